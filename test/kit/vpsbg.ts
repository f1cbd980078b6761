/** VPSBG's API as a customer's program asks it. */
import assert from 'node:assert/strict'
import { type Answer, readAnswer } from './answer.ts'
import { assertDocumented } from './documented.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface VpsbgClient {
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  patch(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  delete(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

/** Asks `/v1` + path under `key`; null sends none. */
export function vpsbgClient(purser: { readonly url: string }, key: string | null): VpsbgClient {
  const ask = async (
    method: Method,
    path: string,
    o: { body?: unknown; headers?: Readonly<Record<string, string>> | undefined },
  ): Promise<Answer> =>
    readAnswer(
      await fetch(`${purser.url}/v1${path}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(o.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...o.headers,
        },
        ...(o.body === undefined
          ? {}
          : { body: typeof o.body === 'string' ? o.body : JSON.stringify(o.body) }),
      }),
    )
  return {
    get: (path) => ask('GET', path, {}),
    post: (path, body, headers) => ask('POST', path, { body, headers }),
    patch: (path, body, headers) => ask('PATCH', path, { body, headers }),
    delete: (path, headers) => ask('DELETE', path, { headers }),
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * An answer's whole text, status, type and request id, and that the document says so. `place` is
 * the route, as `get /v1/orders/{id}`.
 */
export function assertJson(answer: Answer, place: string, status: number, body: unknown): void {
  assert.equal(answer.text, JSON.stringify(body))
  assertShape(answer, place, status)
}

/** The same without the text: what is in it, the test says itself. */
export function assertShape(answer: Answer, place: string, status: number): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers.get('content-type'), JSON_TYPE)
  assert.match(answer.headers.get('x-request-id') ?? '', /^req_[0-9a-z]{26}$/)
  assertDocumented('vpsbg', place, answer)
}

/** An error's whole text; a 422 has `errors` by field. */
export function assertError(
  answer: Answer,
  place: string,
  expected: {
    status: number
    code: string
    message: string
    errors?: Readonly<Record<string, readonly string[]>>
  },
): void {
  const { status, code, message, errors } = expected
  const request_id = answer.headers.get('x-request-id')
  const body = { message, ...(errors ? { errors } : {}), code, request_id }
  assertJson(answer, place, status, body)
}

/** A 422 because of one field. */
export function assertFieldError(
  answer: Answer,
  place: string,
  o: { field: string; message: string },
): void {
  const { field, message } = o
  const errors = { [field]: [message] }
  assertError(answer, place, { status: 422, code: 'invalid_input', message, errors })
}

/** The first and only page of a list at `path` that shows all of it. */
export function onePage(path: string, data: readonly unknown[]): object {
  const only = `${path}?page=1`
  return {
    data,
    links: { first: only, last: only, prev: null, next: null },
    meta: {
      current_page: 1,
      from: 1,
      last_page: 1,
      links: [
        { url: null, label: '&laquo; Previous', active: false },
        { url: only, label: '1', active: true },
        { url: null, label: 'Next &raquo;', active: false },
      ],
      path,
      per_page: 15,
      to: data.length,
      total: data.length,
    },
  }
}
