import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Html, html } from './html.ts'

/** One page. `navigation` are the links beside it, within it or to its siblings. */
export interface Page {
  readonly title: string
  readonly body: Html
  readonly navigation?: Html
}

const STYLE_PATH = '/docs/style.css'
const ICON_PATH = '/docs/icon.svg'
const FILES = {
  [STYLE_PATH]: { file: 'style.css', type: 'text/css; charset=utf-8' },
  [ICON_PATH]: { file: 'icon.svg', type: 'image/svg+xml' },
} as const
const KEPT_FOR = 'public, max-age=3600'

/** What browsers are told of our pages: nothing from elsewhere, no script, no frame. */
const CONTENT = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'interest-cohort=()',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const
/** Pages that are the same for everybody, but for the origin in their examples. */
const PUBLIC_HEADERS = {
  'content-security-policy': `${CONTENT}; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
} as const
/**
 * Pages of one customer, with forms. A form that is sent without a referrer has no origin either,
 * and could not be told from another site's.
 */
const PRIVATE_HEADERS = {
  'content-security-policy': `${CONTENT}; form-action 'self'; frame-ancestors 'none'`,
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/** Sends a page with the headers that HTML needs; answers of the APIs carry none of them. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return send(reply.headers(PUBLIC_HEADERS), page)
}

/** The same for a page that shows what is a customer's own, or asks who it is. */
export function sendPrivatePage(reply: FastifyReply, page: Page): FastifyReply {
  return send(reply.headers(PRIVATE_HEADERS), page)
}

function send(reply: FastifyReply, page: Page): FastifyReply {
  return reply.headers(HEADERS).type('text/html; charset=utf-8').send(render(page))
}

/** Serves the style sheet and the icon that every page asks for. */
export function registerPageFiles(app: FastifyInstance): void {
  for (const [path, { file, type }] of Object.entries(FILES)) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8')
    app.get(path, (_request, reply) =>
      reply.header('cache-control', KEPT_FOR).type(type).send(text),
    )
  }
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
<nav class="links" aria-label="Site"><a href="/docs">Documentation</a> <a href="/errors">Errors</a> <a href="/billing">Billing</a></nav></header>
<div class="frame${navigation ? '' : ' alone'}">
${navigation && html`<nav class="side" aria-label="On this page">${navigation}</nav>`}
<main id="main">${body}</main>
</div>
</body>
</html>
`.text
}
