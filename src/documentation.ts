import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { adminDocument, customerDocument } from './admin/admin-openapi.ts'
import { REFUSALS, Refusal, type RefusalCode } from './core/refusal.ts'
import { CROWNPANEL_TITLE, crownpanelDocument } from './dialects/crownpanel/crownpanel-openapi.ts'
import { crownpanelRefused } from './dialects/crownpanel/crownpanel-refusals.ts'
import { hostupDocument } from './dialects/hostup/hostup-openapi.ts'
import { panelText } from './dialects/panel/panel-text.ts'
import type { PanelDialect } from './dialects/panel-family/panel-dialect.ts'
import { panelDocument } from './dialects/panel-family/panel-openapi.ts'
import { panelbonText } from './dialects/panelbon/panelbon-text.ts'
import { vpsbgRefused } from './dialects/vpsbg/vpsbg-errors.ts'
import { vpsbgDocument } from './dialects/vpsbg/vpsbg-openapi.ts'
import type { ErrorSurface } from './docs/error-pages.ts'
import { registerDocs, type ServedDocument } from './docs/register-docs.ts'
import { healthDocument } from './http/health-openapi.ts'
import { sendProblem } from './http/rest/problem.ts'
import { PROBLEMS } from './http/rest/problems.ts'
import { collectRoutes, type DescribedRoute } from './http/route-openapi.ts'
import type { Clock } from './lib/clock.ts'

/**
 * Mounts the documentation of every surface. Call it before the routes that describe themselves
 * (the operator API, the customers' session) are registered: it remembers them as they come.
 */
export function registerDocumentation(
  app: FastifyInstance,
  o: { publicUrl: string | null; clock: Clock },
): void {
  registerDocs(app, {
    documents: servedDocuments(collectRoutes(app)),
    surfaces: SURFACES,
    publicUrl: o.publicUrl,
    refuse: (request, reply, refusal) =>
      sendProblem(request, reply, { refusal, publicUrl: o.publicUrl, now: o.clock.now() }),
  })
}

/** Every document of this version, from the routes that were collected when it is read. */
export function servedDocuments(routes: readonly DescribedRoute[]): readonly ServedDocument[] {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  return [
    { name: 'crownpanel', address: 'POST /', read: () => crownpanelDocument(version) },
    { name: 'vpsbg', address: '/v1/*', read: () => vpsbgDocument(routes, version) },
    {
      name: 'panel',
      address: 'POST /api/v2',
      read: () => panelDocument(panelText, version),
    },
    {
      name: 'panelbon',
      address: 'POST /app/api/v2',
      read: () => panelDocument(panelbonText, version),
    },
    { name: 'hostup', address: '/api/v2/*', read: () => hostupDocument(routes, version) },
    { name: 'admin', address: '/admin/v1/*', read: () => adminDocument(routes, version) },
    { name: 'customer', address: '/session', read: () => customerDocument(routes, version) },
    { name: 'health', address: '/healthz', read: () => healthDocument(version) },
  ]
}

const SURFACES: readonly ErrorSurface[] = [
  { name: 'crownpanel', title: CROWNPANEL_TITLE, answer: answered(crownpanelRefused) },
  { name: 'vpsbg', title: 'VPSBG', answer: answered(vpsbgRefused) },
  panelSurface('panel', panelText.title, panelText.dialect),
  panelSurface('panelbon', panelbonText.title, panelbonText.dialect),
  problemSurface('hostup', 'HostUp'),
  problemSurface('admin', 'Operator API'),
]

function problemSurface(name: string, title: string): ErrorSurface {
  return {
    name,
    title,
    answer(code) {
      const kinds = Object.values(PROBLEMS)
      const kind = isRefusal(code) ? PROBLEMS[code] : kinds.find((one) => one.code === code)
      return kind && { status: kind.status, text: `${kind.title} (${kind.code})` }
    },
  }
}

function panelSurface(name: string, title: string, dialect: PanelDialect): ErrorSurface {
  return { name, title, answer: answered(dialect.refused) }
}

/** How a dialect whose refusals have one text each answers a code. */
function answered(refused: PanelDialect['refused']): ErrorSurface['answer'] {
  return (code) => refused(new Refusal(isRefusal(code) ? code : 'invalid_input'))
}

function isRefusal(code: string): code is RefusalCode {
  return Object.hasOwn(REFUSALS, code)
}
