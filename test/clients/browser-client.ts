import { launchChromium, missingChromium, openPage } from '../kit/chromium.ts'
import type { ClientKind, ClientRequest, Reply } from './client.ts'

/** Runs in the page: what a reseller's own site does with `fetch`. */
async function fetchInPage({ url, body, fields, headers }: ClientRequest): Promise<Reply> {
  const plain = Object.fromEntries(Object.entries(fields).map(([name, v]) => [name, String(v)]))
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    for (const item of [value].flat()) form.append(name, String(item))
  }
  const sent = {
    query: () => fetch(`${url}?${new URLSearchParams(plain)}`, { headers: { ...headers } }),
    urlencoded: () =>
      fetch(url, { method: 'POST', body: new URLSearchParams(plain), headers: { ...headers } }),
    multipart: () => fetch(url, { method: 'POST', body: form, headers: { ...headers } }),
    json: () =>
      fetch(url, {
        method: 'POST',
        body: JSON.stringify(fields),
        headers: { 'Content-Type': 'application/json', ...headers },
      }),
  }
  const answer = await sent[body]()
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    replayed: answer.headers.get('idempotent-replayed'),
    text: await answer.text(),
  }
}

/** `fetch` of Chromium, from a page of the same origin. */
export const browserClient: ClientKind = {
  name: 'a browser’s fetch',
  skip: await missingChromium(),
  bodies: ['urlencoded', 'multipart', 'json', 'query'],
  async start(purserUrl) {
    const browser = await launchChromium()
    const page = await openPage(browser)
    await page.goto(`${purserUrl}/healthz`)
    return {
      send: (request) => page.evaluate(fetchInPage, request),
      [Symbol.asyncDispose]: () => browser.close(),
    }
  },
}
