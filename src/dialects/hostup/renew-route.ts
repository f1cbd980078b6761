import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { findOpenRenewal } from '../../core/billing/invoice-views.ts'
import type { Invoice, Purchase } from '../../core/billing/purchase.ts'
import { readPurchase } from '../../core/billing/purchase-views.ts'
import {
  type RenewInput,
  type RenewOutput,
  renewServers,
} from '../../core/billing/renew-servers.ts'
import { execute } from '../../core/execute.ts'
import type { Operation } from '../../core/operation.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Server } from '../../core/servers/server.ts'
import type { Db } from '../../db/database.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../../http/idempotency-key.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { sendProblem } from '../../http/rest/problem.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { problemResponse } from '../../http/rest/shapes.ts'
import { publicIdOf } from '../../lib/ids.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { invoiceHead, invoiceId } from './invoice-text.ts'
import { VpsParams, writing } from './route-options.ts'
import { vpsId } from './server-text.ts'
import { RenewalInvoiceShape, RenewalShape } from './shapes.ts'
import { amount, instant } from './values.ts'

const ADDONS_MAX = 20

const RenewBody = Type.Object(
  {
    addonIds: Type.Optional(
      Type.Array(Type.String({ examples: ['vpsaddon_01hxa3b4c5d6e7f8g9h0j1k2m3'] }), {
        maxItems: ADDONS_MAX,
        description: 'The addons to be renewed with it; left out: all that it has',
      }),
    ),
  },
  { additionalProperties: false, examples: [{}] },
)

const Blocking = problemResponse(
  'An unpaid renewal invoice exists, 409 `existing_invoice_blocking`: `extensions` names it and ' +
    'how it is paid. The VPS cannot be renewed, 409 `invalid_state`. The idempotency key stands ' +
    'for another request, 409 `idempotency_key_reused`',
  Type.Object({
    invoice: Type.Optional(RenewalInvoiceShape),
    recovery: Type.Optional(
      Type.Object({
        action: Type.Literal('pay_invoice'),
        method: Type.Literal('POST'),
        href: Type.String({
          examples: ['/api/v2/billing/invoices/inv_01hxa3b4c5d6e7f8g9h0j1k2m3/actions/pay'],
        }),
      }),
    ),
  }),
)

/** Renewing a server: the source page's own call. */
export function registerRenew(app: RestRoutes, deps: HostupDeps): void {
  app.post(
    '/vps/:id/actions/renew',
    writing(
      {
        operationId: 'renewVps',
        summary: 'Renew VPS',
        description:
          'Create or schedule a VPS renewal. The normal request body is `{}`; optional ' +
          '`addonIds` is the only accepted field and is capped at 20 items. Nothing is paid by ' +
          'it. If an unpaid renewal invoice already exists, the API returns 409 ' +
          '`existing_invoice_blocking` with the existing invoice and recovery action.',
        tag: 'VPS',
        scope: 'write:billing',
      },
      { params: VpsParams, body: RenewBody, answers: { 200: RenewalShape, 409: Blocking } },
    ),
    async (request, reply) => {
      const server = await deps.servers.one(callerOf(request).accountId, request.params.id)
      const addonIds = addonIdsOf(server, request.body.addonIds)
      return await renew(deps, { request, reply, server, addonIds })
    },
  )
}

/** The subscriptions of the addons named, each once; null: all that the server has. */
function addonIdsOf(server: Server, names: readonly string[] | undefined): bigint[] | null {
  if (names === undefined) return null
  const ids = names.map((name, at) => {
    const addon = server.addons.find(
      ({ subscriptionId, publicId }) =>
        name === publicIdOf('vpsaddon', publicId) || name === String(subscriptionId),
    )
    if (addon !== undefined) return addon.subscriptionId
    throw new Refusal('invalid_input', {
      detail: 'The request body failed validation.',
      fields: [{ pointer: `/addonIds/${at}`, detail: UNKNOWN_ADDON, code: 'not_found' }],
    })
  })
  return [...new Set(ids)]
}

const UNKNOWN_ADDON = 'is not an addon of this VPS'

interface RenewCall {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly server: Server
  readonly addonIds: readonly bigint[] | null
}

async function renew(deps: HostupDeps, call: RenewCall): Promise<FastifyReply> {
  const { request, reply, server, addonIds } = call
  const { accountId } = server
  try {
    const effect = await execute(deps.funnel, answering(server), {
      actor: callerOf(request),
      input: {
        serverIds: [server.id],
        billingCycle: null,
        promoCode: null,
        addonIds,
        existing: 'keep',
      },
      idempotencyKey: idempotencyKeyOf(request, undefined),
    })
    if (effect.output.outcome === 'existing') throw new Refusal('existing_invoice_blocking')
    const output = toldIfReplayed(reply, effect)
    // Another API has had the effect, and kept no text of ours.
    const text = output.hostup ?? (await textOf(deps.funnel.database.db, server, output))
    return reply.type(JSON_TYPE).send(text)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'existing_invoice_blocking') throw error
    const { db } = deps.funnel.database
    const invoice = await findOpenRenewal(db, { accountId, serverId: server.id })
    if (invoice === undefined) throw error
    return await sendBlocking(deps, { request, reply, invoice })
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'

type Renewed = RenewOutput & { readonly hostup?: string }

/**
 * The core's operation with this API's answer in its output: kept with the effect, so that a
 * repeat is answered as the first was, whatever has become of the invoice since.
 */
function answering(server: Server): Operation<RenewInput, Renewed> {
  return {
    ...renewServers,
    async run(context, input) {
      const output = await renewServers.run(context, input)
      const purchase = await purchaseOf(context.tx, server, output)
      // A renewal that costs nothing has no invoice that could block: it is scheduled, as asked.
      const outcome = purchase.invoice === null ? 'created' : output.outcome
      return { ...output, outcome, hostup: JSON.stringify(renewalText(server, purchase)) }
    },
  }
}

async function textOf(db: Db, server: Server, output: RenewOutput): Promise<string> {
  return JSON.stringify(renewalText(server, await purchaseOf(db, server, output)))
}

function purchaseOf(db: Db, { accountId }: Server, { purchaseId }: RenewOutput): Promise<Purchase> {
  return readPurchase(db, { accountId, id: BigInt(purchaseId) })
}

function renewalText(server: Server, purchase: Purchase): Static<typeof RenewalShape> {
  const line = purchase.lines.find(
    ({ kind, serverId }) => kind === 'server' && serverId === server.id,
  )
  return {
    vpsId: vpsId(server),
    renewalScheduled: true,
    newExpiresAt: line === undefined ? null : instant(line.periodTo),
    billing: { amount: amount(purchase.grossMicros), currencyCode: purchase.currency },
    renewalInvoice: purchase.invoice && invoiceHead(purchase.invoice),
  }
}

async function sendBlocking(
  deps: HostupDeps,
  o: { request: FastifyRequest; reply: FastifyReply; invoice: Invoice },
): Promise<FastifyReply> {
  const { request, reply, invoice } = o
  await sendProblem(request, reply, {
    refusal: deps.toRefusal(new Refusal('existing_invoice_blocking'), request),
    publicUrl: deps.publicUrl,
    now: deps.funnel.clock.now(),
    extensions: {
      invoice: invoiceHead(invoice),
      recovery: {
        action: 'pay_invoice',
        method: 'POST',
        href: `/api/v2/billing/invoices/${invoiceId(invoice)}/actions/pay`,
      },
    },
  })
  return reply
}
