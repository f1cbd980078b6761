import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findInvoiceByNumber, listInvoices } from '../core/billing/invoice-views.ts'
import type { PaymentDesk } from '../core/billing/paying/payment-desk.ts'
import type { Invoice } from '../core/billing/purchase.ts'
import { readPurchase } from '../core/billing/purchase-views.ts'
import { authorize, type Funnel } from '../core/execute.ts'
import { readAccountWithBalance } from '../core/identity/account-views.ts'
import { findUser } from '../core/identity/find-session.ts'
import { signInUser, USER_SESSION_SECONDS } from '../core/identity/sign-in.ts'
import { signOut } from '../core/identity/sign-out.ts'
import { Refusal } from '../core/refusal.ts'
import { acceptForms, type Fields, fieldsOf } from '../http/form-body.ts'
import type { Limits } from '../http/limits.ts'
import { sendPrivatePage } from '../http/page.ts'
import { refuseOtherOrigin, requireSameOrigin } from '../http/rest/same-origin.ts'
import { CUSTOMER_COOKIE, readCookie, setCookie } from '../http/rest/session-cookie.ts'
import { parseNumber } from '../lib/ids.ts'
import { billingAddress, type Notice, type Visitor } from './customer-page.ts'
import { invoicePage } from './invoice-page.ts'
import { invoicesPage } from './invoices-page.ts'
import { paymentWords } from './payment-words.ts'
import { refusalPage } from './refusal-page.ts'
import { signInPage } from './sign-in-page.ts'

/** What the pages of customers need of the process. */
export interface PagesDeps {
  readonly funnel: Funnel
  readonly limits: Limits
  readonly payments: PaymentDesk
  readonly publicUrl: string | null
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}

const PATH = '/billing'
const LIST_LENGTH = 50

/**
 * `/billing` and `/billing?invoice=<number>`: a customer signs in, reads invoices and pays them
 * from the wallet. Forms and no scripts; every form leads back to the page that it is on.
 */
export function registerBillingPage(app: FastifyInstance, deps: PagesDeps): void {
  app.register((scope, _options, done) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) => {
      const refusal = deps.toRefusal(error, request)
      return sendRefusal(reply, request, refusal)
    })
    scope.get(PATH, (request, reply) => show(deps, request, reply))
    scope.post(PATH, (request, reply) => act(deps, request, reply))
    done()
  })
}

interface Asked {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly fields: Fields
  /** The number of the invoice, as it was sent; undefined: all of them. */
  readonly invoice: string | undefined
}

function read(request: FastifyRequest, reply: FastifyReply): Asked {
  const fields = fieldsOf(request)
  return { request, reply, fields, invoice: fields.invoice?.trim() || undefined }
}

async function show(
  deps: PagesDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asked = read(request, reply)
  const visitor = await findVisitor(deps, request)
  if (visitor === undefined) return sendPrivatePage(reply, signInPage(asked))
  deps.limits.countSession(visitor.actor.accountId, reply)
  authorize(visitor.actor, 'read:billing')
  if (asked.invoice === undefined) return await showInvoices(deps, visitor, asked)
  return await showInvoice(deps, visitor, { asked, ...(await find(deps, visitor, asked.invoice)) })
}

/** What a form asks for; each names it in `action`. */
async function act(
  deps: PagesDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asked = read(request, reply)
  switch (asked.fields.action) {
    case 'sign-in':
      return await signIn(deps, asked)
    case 'sign-out':
      return await leave(deps, asked)
    case 'pay':
      return await pay(deps, asked)
    default:
      throw new Refusal('unknown_action')
  }
}

/** Who is signed in; undefined where nobody is. */
async function findVisitor(deps: PagesDeps, request: FastifyRequest): Promise<Visitor | undefined> {
  const token = readCookie(request, CUSTOMER_COOKIE)
  if (token === undefined) return undefined
  const { database, clock } = deps.funnel
  try {
    const { actor, email } = await findUser(database.db, token, clock.now())
    return { actor, email, ...(await readAccountWithBalance(database.db, actor.accountId)) }
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthorized') return undefined
    throw error
  }
}

/** Another account's invoice is as one that does not exist: refused `not_found`. */
async function find(deps: PagesDeps, visitor: Visitor, number: string) {
  const { accountId } = visitor.actor
  const { db } = deps.funnel.database
  // VPSBG writes ten digits, with zeros before.
  const known = parseNumber(number.replace(/^0+/, ''))
  const invoice =
    known === undefined ? undefined : await findInvoiceByNumber(db, { accountId, number: known })
  if (invoice === undefined) throw new Refusal('not_found', { detail: 'There is no such invoice.' })
  return { invoice }
}

async function showInvoice(
  deps: PagesDeps,
  visitor: Visitor,
  o: { asked: Asked; invoice: Invoice; notice?: Notice },
): Promise<FastifyReply> {
  const { accountId, purchaseId } = o.invoice
  const { db } = deps.funnel.database
  const purchase = await readPurchase(db, { accountId, id: purchaseId })
  return sendPrivatePage(o.asked.reply, invoicePage({ ...o, visitor, purchase }))
}

async function showInvoices(
  deps: PagesDeps,
  visitor: Visitor,
  { reply, fields }: Asked,
): Promise<FastifyReply> {
  const { invoices } = await listInvoices(deps.funnel.database.db, {
    accountId: visitor.actor.accountId,
    window: {
      before: parseNumber(fields.before ?? ''),
      limit: LIST_LENGTH + 1,
    },
  })
  const shown = invoices.slice(0, LIST_LENGTH)
  const older = invoices.length > LIST_LENGTH ? shown.at(-1)?.id : undefined
  return sendPrivatePage(reply, invoicesPage({ visitor, invoices: shown, older }))
}

async function pay(deps: PagesDeps, asked: Asked): Promise<FastifyReply> {
  const { request, reply, fields } = asked
  requireSameOrigin(request, deps.publicUrl)
  const visitor = await findVisitor(deps, request)
  if (visitor === undefined) {
    const notice = { kind: 'bad', text: 'The session has ended. Nothing was paid.' } as const
    return sendPrivatePage(reply.code(401), signInPage({ ...asked, notice }))
  }
  deps.limits.countSession(visitor.actor.accountId, reply)
  const { invoice } = await find(deps, visitor, asked.invoice ?? '')
  const { output } = await deps.payments.pay({
    actor: visitor.actor,
    input: { purchaseIds: [invoice.purchaseId], mayUseCard: null },
    idempotencyKey: fields.idempotency_key || null,
  })
  const { kind } = output[0]!.outcome
  // Another address than the form's: loading it again sends nothing again.
  if (kind === 'paid') return reply.redirect(billingAddress(asked.invoice), 303)
  const now = (await findVisitor(deps, request)) ?? visitor
  const { balanceMicros } = now
  const words = paymentWords(kind, { invoice, balanceMicros })
  const current = await find(deps, now, String(invoice.purchaseId))
  return await showInvoice(deps, now, {
    asked: { ...asked, reply: reply.code(words.status) },
    ...current,
    notice: words.notice,
  })
}

async function signIn(deps: PagesDeps, asked: Asked): Promise<FastifyReply> {
  const { request, reply, fields, invoice } = asked
  const { funnel, limits, publicUrl } = deps
  limits.checkFailedKeys(request, reply)
  refuseOtherOrigin(request, publicUrl)
  const { email = '', password = '' } = fields
  try {
    const { token } = await limits.countFailures(request, () =>
      signInUser(funnel, { email, password }),
    )
    const seconds = USER_SESSION_SECONDS
    setCookie(reply, { name: CUSTOMER_COOKIE, token, seconds, publicUrl })
    return reply.redirect(billingAddress(invoice), 303)
  } catch (error) {
    const refusal = deps.toRefusal(error, request)
    const status = { unauthorized: 401, invalid_input: 400 }[refusal.code as string]
    if (status === undefined) throw error
    const notice = { kind: 'bad', text: WRONG } as const
    return sendPrivatePage(reply.code(status), signInPage({ invoice, email, notice }))
  }
}

const WRONG = 'The e-mail address or the password is wrong.'

async function leave(deps: PagesDeps, asked: Asked): Promise<FastifyReply> {
  const { request, reply, invoice } = asked
  const { funnel, publicUrl } = deps
  requireSameOrigin(request, publicUrl)
  const token = readCookie(request, CUSTOMER_COOKIE)
  const visitor = await findVisitor(deps, request)
  if (token !== undefined && visitor !== undefined) await signOut(funnel, visitor.actor, token)
  setCookie(reply, { name: CUSTOMER_COOKIE, token: '', seconds: 0, publicUrl })
  return reply.redirect(billingAddress(invoice), 303)
}

function sendRefusal(reply: FastifyReply, request: FastifyRequest, refusal: Refusal): FastifyReply {
  const { status, page } = refusalPage(refusal, request.id)
  if (refusal.retryAfterSeconds !== undefined) {
    reply.header('retry-after', refusal.retryAfterSeconds)
  }
  return sendPrivatePage(reply.code(status), page)
}
