/** How messages get out of the process. */
export interface WebhookSender {
  /** Sends one message once. Never throws; takes some ten seconds at the longest. */
  send(request: WebhookRequest): Promise<WebhookAnswer>
  /** Gives up what is being sent; what is sent after that is not. */
  close(): Promise<void>
}

export interface WebhookRequest {
  readonly url: string
  /** The event's name, by which the receiver knows a repeat. */
  readonly id: string
  readonly body: string
  /** What signs it; two for a while after a rotation. */
  readonly secrets: readonly string[]
}

export type WebhookAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** How long the receiver asks to be left alone. */
      readonly retryAfterMs: number | null
    }
  /** No answer came: `error` says why in a word or two. */
  | { readonly kind: 'unreachable'; readonly error: string }
  /** The sender was closed before there was an answer. */
  | { readonly kind: 'stopped' }
