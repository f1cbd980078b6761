/** The customer API as a customer's program asks it, or a browser with a session. */
import assert from 'node:assert/strict'
import { type Answer, readAnswer } from './answer.ts'
import { assertDocumented } from './documented.ts'

type Headers = Readonly<Record<string, string>>

export interface CustomerApi {
  /** `GET /orders`; `body` undefined sends none. The answer is as the document says. */
  ask(how: string, body?: unknown, headers?: Headers): Promise<Answer>
}

/** Asks `/customer/v1` with these headers on every request. */
export function customerApi(purser: { readonly url: string }, always: Headers): CustomerApi {
  return {
    async ask(how, body, headers = {}) {
      const [method = '', path = ''] = how.split(' ')
      const answer = await readAnswer(
        await fetch(`${purser.url}/customer/v1${path}`, {
          method,
          headers: {
            ...always,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
      const place = path.split('?', 1)[0]!.replace(/^\/orders\/(?!cancel).+$/, '/orders/{id}')
      assertDocumented('customer', `${method.toLowerCase()} /customer/v1${place}`, answer)
      return answer
    },
  }
}

export function bearer(key: string): Headers {
  return { authorization: `Bearer ${key}` }
}

/** What a browser sends for a page of this site. */
export function fromOwnSite(cookie: string): Headers {
  return { cookie, 'sec-fetch-site': 'same-origin' }
}

/** A refusal: its status and its code. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal((answer.json as { code: string }).code, code)
}
