import type { FastifyReply } from 'fastify'
import { type Html, html } from '../http/html.ts'

/** One page. `navigation` are the links beside it, within it or to its siblings. */
export interface Page {
  readonly title: string
  readonly body: Html
  readonly navigation?: Html
}

const STYLE_PATH = '/docs/style.css'
const ICON_PATH = '/docs/icon.svg'

/**
 * What browsers are told of our pages: nothing from elsewhere, no script, no frame. The pages are
 * the same for everybody but for the origin in their examples.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'interest-cohort=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-cache',
} as const

/** Sends a page with the headers that HTML needs; answers of the APIs carry none of them. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply.headers(HEADERS).type('text/html; charset=utf-8').send(render(page))
}

function render({ title, body, navigation }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title === 'Purser' ? title : `${title} · Purser`}</title>
<link rel="icon" href="${ICON_PATH}" type="image/svg+xml">
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header class="top"><a class="brand" href="/"><img src="${ICON_PATH}" alt="" width="24" height="24"> Purser</a>
<nav class="links" aria-label="Site"><a href="/docs">Documentation</a> <a href="/errors">Errors</a></nav></header>
<div class="frame${navigation ? '' : ' alone'}">
${navigation && html`<nav class="side" aria-label="On this page">${navigation}</nav>`}
<main id="main">${body}</main>
</div>
</body>
</html>
`.text
}

export const PAGE_FILES = {
  [STYLE_PATH]: { file: 'style.css', type: 'text/css; charset=utf-8' },
  [ICON_PATH]: { file: 'icon.svg', type: 'image/svg+xml' },
} as const
