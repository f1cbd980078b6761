import { html, inline } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import { ERROR_GUIDES, type ErrorCode } from './error-guides.ts'

/** How one API answers a refusal; undefined where it never does. */
export interface ErrorSurface {
  /** Of its document. */
  readonly name: string
  readonly title: string
  answer(code: ErrorCode): { readonly status: number; readonly text: string } | undefined
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_GUIDES, code)
}

/** What an error means, what to change, and how each API writes it. */
export function errorPage(code: ErrorCode, surfaces: readonly ErrorSurface[]): Page {
  const { title, meaning, remedy } = ERROR_GUIDES[code]
  const answers = surfaces.flatMap((surface) => {
    const answer = surface.answer(code)
    return answer === undefined ? [] : [{ surface, answer }]
  })
  return {
    title,
    body: html`<p><a href="/errors">All errors</a></p>
<h1>${title}</h1>
<p class="lead"><code>${code}</code></p>
<h2>What it means</h2>
<p>${inline(meaning)}</p>
<h2>What to change</h2>
<p>${inline(remedy)}</p>
${
  answers.length > 0 &&
  html`<h2>How it is answered</h2>
<div class="wide"><table>
<thead><tr><th scope="col">API</th><th scope="col">HTTP</th><th scope="col">Text</th></tr></thead>
<tbody>${answers.map(
    ({ surface, answer }) =>
      html`<tr><th scope="row"><a href="/docs/${surface.name}">${surface.title}</a></th><td>${answer.status}</td><td>${answer.text}</td></tr>`,
  )}</tbody></table></div>`
}`,
  }
}

const PROBLEM = {
  type: 'https://panel.example/errors/invalid_request',
  title: 'Validation failed',
  status: 400,
  detail: 'The request body failed validation.',
  code: 'invalid_request',
  instance: '/api/v2/vps/vps_…/actions/renew',
  requestId: 'req_…',
  timestamp: '2026-01-31T09:30:00.000Z',
  errors: [{ pointer: '/months', detail: 'is not a known field', code: 'unknown_field' }],
  extensions: {},
}

const VPSBG_ERROR = {
  message: 'The server ids field is required.',
  errors: { server_ids: ['The server ids field is required.'] },
  code: 'invalid_input',
  request_id: 'req_…',
}

/** Every error, by its code. */
export function errorsPage(): Page {
  const codes = Object.entries(ERROR_GUIDES).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    title: 'Errors',
    body: html`<h1>Errors</h1>
<p class="lead">What each one means and what to change.</p>
<p>The panels write an error as one text:</p>
<pre><code>{"error":"Incorrect service ID"}</code></pre>
<p>VPSBG's API with its <code>code</code>, and with what is wrong with each field:</p>
<pre><code>${JSON.stringify(VPSBG_ERROR, null, 2)}</code></pre>
<p>HostUp and the operator API as Problem Details; a program branches on <code>code</code>, and <code>type</code> leads here:</p>
<pre><code>${JSON.stringify(PROBLEM, null, 2)}</code></pre>
<div class="wide"><table>
<thead><tr><th scope="col">Code</th><th scope="col">Meaning</th></tr></thead>
<tbody>${codes.map(
      ([code, { title }]) =>
        html`<tr><th scope="row"><a href="/errors/${code}"><code>${code}</code></a></th><td>${title}</td></tr>`,
    )}</tbody></table></div>`,
  }
}
