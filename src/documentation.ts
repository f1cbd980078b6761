import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { adminDocument } from './admin/admin-openapi.ts'
import type { RefusalCode } from './core/refusal.ts'
import { CUSTOMER_TITLE, customerDocument, isOfCustomer } from './customer/customer-openapi.ts'
import {
  CROWNPANEL_TITLE,
  crownpanelAnswer,
  crownpanelDocument,
} from './dialects/crownpanel/crownpanel-openapi.ts'
import { HOSTUP_TITLE, hostupDocument, isOfHostup } from './dialects/hostup/hostup-openapi.ts'
import { panelText } from './dialects/panel/panel-text.ts'
import { panelAnswer, panelDocument } from './dialects/panel-family/panel-openapi.ts'
import { panelbonText } from './dialects/panelbon/panelbon-text.ts'
import { VPSBG_TITLE, vpsbgAnswer, vpsbgDocument } from './dialects/vpsbg/vpsbg-openapi.ts'
import type { ErrorSurface } from './docs/error-pages.ts'
import { registerDocs, type ServedDocument } from './docs/register-docs.ts'
import { healthDocument } from './http/health-openapi.ts'
import { sendProblem } from './http/rest/problem.ts'
import { PROBLEMS } from './http/rest/problems.ts'
import { collectRoutes, type DescribedRoute } from './http/route-openapi.ts'
import type { Clock } from './lib/clock.ts'

/**
 * Mounts the documentation of every surface. Call it before the routes that describe themselves
 * (the operator API, the customer API) are registered: it remembers them as they come.
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
    { name: 'customer', address: '/customer/v1/*', read: () => customerDocument(routes, version) },
    { name: 'health', address: '/healthz', read: () => healthDocument(version) },
  ]
}

const SURFACES: readonly ErrorSurface[] = [
  surface('crownpanel', CROWNPANEL_TITLE, crownpanelAnswer),
  surface('vpsbg', VPSBG_TITLE, vpsbgAnswer),
  ...[panelText, panelbonText].map(({ dialect, title }) =>
    surface(dialect.name, title, (code) => panelAnswer(dialect, code)),
  ),
  surface('hostup', HOSTUP_TITLE, (code) => (isOfHostup(code) ? problemAnswer(code) : undefined)),
  surface('admin', 'Operator API', problemAnswer),
  surface('customer', CUSTOMER_TITLE, (code) =>
    isOfCustomer(code) ? problemAnswer(code) : undefined,
  ),
]

/** What REST writes for bad input stands for the core's code. */
function surface(
  name: string,
  title: string,
  answer: (code: RefusalCode) => ReturnType<ErrorSurface['answer']>,
): ErrorSurface {
  return {
    name,
    title,
    answer: (code) => answer(code === 'invalid_request' ? 'invalid_input' : code),
  }
}

function problemAnswer(code: RefusalCode): { status: number; text: string } {
  const { status, title, code: shown } = PROBLEMS[code]
  return { status, text: `${title} (${shown})` }
}
