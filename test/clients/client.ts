/** How a request is written: what resellers' scripts send, one way or another. */
export type Body = 'query' | 'urlencoded' | 'multipart' | 'json'

export type FieldValue = string | number | readonly (string | number)[]

export interface ClientRequest {
  readonly url: string
  readonly body: Body
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly type: string | null
  /** The header `Idempotent-Replayed`. */
  readonly replayed: string | null
  readonly text: string
}

/** A program that asks as resellers' scripts do, by its own means of writing a request. */
export interface Client extends AsyncDisposable {
  send(request: ClientRequest): Promise<Reply>
}

export interface ClientKind {
  readonly name: string
  /** Why it cannot be tried on this machine; false where it can. */
  readonly skip: string | false
  /** What it writes. */
  readonly bodies: readonly Body[]
  start(purserUrl: string): Promise<Client>
}
