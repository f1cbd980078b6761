import assert from 'node:assert/strict'

/** What came back over HTTP. `json` is undefined where the text is not JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

/** Reads a fetch response to its end. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One name for what both panels always send beside the body. */
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * The wire text of an answer of the panels: status, content type, request id and the body, byte
 * for byte, or by a pattern where an id or an instant varies.
 */
export function assertWire(answer: Answer, status: number, body: string | RegExp): void {
  if (typeof body === 'string') assert.equal(answer.text, body)
  else assert.match(answer.text, body)
  assert.equal(answer.status, status)
  assert.equal(answer.headers.get('content-type'), JSON_TYPE)
  assert.match(answer.headers.get('x-request-id') ?? '', /^\S+$/)
}

/** An error whose text the contract leaves open: it is JSON, and says something. */
export function assertError(answer: Answer, status: number, says: RegExp = /\S/): void {
  assertWire(answer, status, /^\{"error":"(?:[^"\\]|\\.)+"\}$/)
  assert.match((answer.json as { error: string }).error, says)
}
