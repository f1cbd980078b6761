/** HostUp's API as a customer's program asks it, or a browser with a session. */
import assert from 'node:assert/strict'
import { type Answer, readAnswer } from './answer.ts'
import { assertDocumented } from './documented.ts'

type Headers = Readonly<Record<string, string>>

export interface HostupClient {
  get(path: string, headers?: Headers): Promise<Answer>
  /** `body` undefined sends none, and a text is sent as it is; both without a content type. */
  post(path: string, body?: unknown, headers?: Headers): Promise<Answer>
}

interface Place {
  readonly url: string
}

/** Asks `/api` + path with these headers on every request. */
export function hostupWith(purser: Place, always: Headers): HostupClient {
  const ask = async (method: string, path: string, o: { body?: unknown; headers?: Headers }) => {
    const json = o.body !== undefined && typeof o.body !== 'string'
    return readAnswer(
      await fetch(`${purser.url}/api${path}`, {
        method,
        headers: {
          ...always,
          ...(json ? { 'content-type': 'application/json' } : {}),
          ...o.headers,
        },
        ...(o.body === undefined ? {} : { body: json ? JSON.stringify(o.body) : String(o.body) }),
      }),
    )
  }
  return {
    get: (path, headers = {}) => ask('GET', path, { headers }),
    post: (path, body, headers = {}) => ask('POST', path, { body, headers }),
  }
}

/** The same under `key`; null sends none. */
export function hostupClient(purser: Place, key: string | null): HostupClient {
  return hostupWith(purser, key === null ? {} : { authorization: `Bearer ${key}` })
}

const REQUEST_ID = /^req_[0-9a-z]{26}$/

/** An answer's whole text, status and type, and that the document says so of `place`. */
export function assertJson(answer: Answer, place: string, status: number, body: unknown): void {
  assert.equal(answer.text, typeof body === 'string' ? body : JSON.stringify(body))
  assertShape(answer, place, status)
}

/** The same without the text: what is in it, the test says itself. */
export function assertShape(answer: Answer, place: string, status: number): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.match(answer.headers.get('x-request-id') ?? '', REQUEST_ID)
  assertDocumented('hostup', place, answer)
}

export interface ExpectedProblem {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly { pointer: string; detail: string; code: string }[]
  readonly extensions?: unknown
}

/** A problem's whole text, field by field in their order; the page behind its type exists. */
export async function assertProblem(
  purser: Place,
  answer: Answer,
  expected: ExpectedProblem & { readonly place?: string },
): Promise<void> {
  const { status, code, title, detail, instance, errors, extensions = {}, place } = expected
  const { timestamp } = answer.json as { timestamp: string }
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const requestId = answer.headers.get('x-request-id')
  assert.match(requestId ?? '', REQUEST_ID)
  const type = `${purser.url}/errors/${code}`
  assert.equal(
    answer.text,
    JSON.stringify({
      type,
      title,
      status,
      detail,
      code,
      instance,
      requestId,
      timestamp,
      ...(errors === undefined ? {} : { errors }),
      extensions,
    }),
  )
  assert.equal(answer.status, status)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  if (place !== undefined) assertDocumented('hostup', place, answer)
  const page = await fetch(type, { headers: { accept: 'text/html' } })
  assert.equal(page.status, 200, type)
  assert.ok((await page.text()).includes(`<code>${code}</code>`), type)
}

/** A problem of which the code alone matters, on whichever route. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  assert.equal((answer.json as { code: string }).code, code, answer.text)
}
