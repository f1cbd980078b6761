import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../core/refusal.ts'
import { type Page, registerPageFiles, sendPage } from '../http/page.ts'
import type { OpenApiDocument } from '../lib/openapi-document.ts'
import { type ErrorSurface, errorPage, errorsPage, isErrorCode } from './error-pages.ts'
import { type Reference, readReference } from './reference.ts'
import { referencePage } from './reference-html.ts'
import { referenceMarkdown } from './reference-markdown.ts'
import { type DocumentLink, docsPage, homePage, missingPage } from './site-pages.ts'

/** One API, as the documentation serves it. */
export interface ServedDocument {
  readonly name: string
  /** Where it is, as one reads it. */
  readonly address: string
  /** Called once every route is registered. */
  read(): OpenApiDocument
}

export interface DocsDeps {
  readonly documents: readonly ServedDocument[]
  readonly surfaces: readonly ErrorSurface[]
  /** Where customers reach it; null: the address that was asked. */
  readonly publicUrl: string | null
  /** Answers an unknown address to a program. */
  refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): Promise<void>
}

/** Origins whose pages are kept: the public one, and what people ask beside it. */
const ORIGINS_MAX = 8

/**
 * `/`, `/docs`, `/docs/<name>`, `/docs/<name>.md`, `/openapi/<name>.json`, `/errors/<code>`, and
 * what is answered where nothing is.
 */
export function registerDocs(app: FastifyInstance, deps: DocsDeps): void {
  const { documents, surfaces } = deps
  const read = memoized(documents)
  app.get('/', (_request, reply) => sendPage(reply, homePage(linksOf(documents, read))))
  app.get('/docs', (_request, reply) => sendPage(reply, docsPage(linksOf(documents, read))))
  for (const { name } of documents) registerDocument(app, { name, read, deps })
  registerPageFiles(app)
  app.get('/errors', (_request, reply) => sendPage(reply, errorsPage()))
  app.get<{ Params: { code: string } }>('/errors/:code', (request, reply) => {
    const { code } = request.params
    if (!isErrorCode(code)) return missing(deps, request, reply)
    return sendPage(reply, errorPage(code, surfaces))
  })
  app.setNotFoundHandler((request, reply) => missing(deps, request, reply))
}

/** Each document once, on first demand: the routes have all been registered by then. */
function memoized(documents: readonly ServedDocument[]): (name: string) => OpenApiDocument {
  const known = new Map<string, OpenApiDocument>()
  return (name) => {
    let document = known.get(name)
    if (document === undefined) {
      document = documents.find((served) => served.name === name)?.read()
      if (document === undefined) throw new Error(`no document ${name}`)
      known.set(name, document)
    }
    return document
  }
}

function linksOf(
  documents: readonly ServedDocument[],
  read: (name: string) => OpenApiDocument,
): DocumentLink[] {
  return documents
    .filter(({ name }) => isServed(read(name)))
    .map(({ name, address }) => {
      const { title, summary } = read(name).info
      return { name, address, title, summary }
    })
}

/** A surface that this process has not mounted has nothing to document. */
function isServed(document: OpenApiDocument): boolean {
  return Object.keys(document.paths).length > 0
}

function registerDocument(
  app: FastifyInstance,
  o: { name: string; read: (name: string) => OpenApiDocument; deps: DocsDeps },
): void {
  const { name, read, deps } = o
  const pages = new Map<string, { page: Page; markdown: string }>()
  const rendered = (request: FastifyRequest) => {
    const origin = deps.publicUrl ?? `${request.protocol}://${request.host}`
    let known = pages.get(origin)
    if (known === undefined) {
      const reference: Reference = readReference(name, read(name), origin)
      known = { page: referencePage(reference), markdown: referenceMarkdown(reference) }
      if (pages.size < ORIGINS_MAX) pages.set(origin, known)
    }
    return known
  }
  const serve = (path: string, send: (request: FastifyRequest, reply: FastifyReply) => unknown) =>
    app.get(path, (request, reply) =>
      isServed(read(name)) ? send(request, reply) : missing(deps, request, reply),
    )
  serve(`/docs/${name}`, (request, reply) => sendPage(reply, rendered(request).page))
  serve(`/docs/${name}.md`, (request, reply) =>
    reply.type('text/markdown; charset=utf-8').send(rendered(request).markdown),
  )
  serve(`/openapi/${name}.json`, (_request, reply) =>
    reply
      .header('access-control-allow-origin', '*')
      .type('application/json; charset=utf-8')
      .send(`${JSON.stringify(read(name), null, 2)}\n`),
  )
}

/** A page for a browser, Problem Details for a program. */
function missing(deps: DocsDeps, request: FastifyRequest, reply: FastifyReply) {
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (reads && request.headers.accept?.includes('text/html')) {
    return sendPage(reply.code(404), missingPage())
  }
  const refusal = new Refusal('not_found', { detail: 'There is no such address.' })
  return deps.refuse(request, reply, refusal)
}
