import type { BillingTerms } from '../core/billing/billing-terms.ts'
import { findOpenRenewal } from '../core/billing/invoice-views.ts'
import { renewServers } from '../core/billing/renew-servers.ts'
import { listAddons } from '../core/catalogue/addon-views.ts'
import { listPlans } from '../core/catalogue/plan-views.ts'
import type { Funnel } from '../core/execute.ts'
import { createServer } from '../core/servers/create-server.ts'
import type { Server } from '../core/servers/server.ts'
import { ServerReader } from '../core/servers/server-reader.ts'
import { suspendServer } from '../core/servers/suspend-server.ts'
import type { Db } from '../db/database.ts'
import { publicIdOf } from '../lib/ids.ts'
import type { DemoServer } from './demo-file.ts'
import { DEMO_SERVERS, type DemoServerTerms } from './demo-servers.ts'
import { runStep } from './run-step.ts'

const LISTED_MAX = 10_000

/** The number of a customer's account, by e-mail address. */
type AccountIds = ReadonlyMap<string, bigint>

/** Makes the servers of the demo's customers, as far as they are missing. */
export async function seedServers(
  funnel: Funnel,
  o: { accounts: AccountIds; terms: BillingTerms },
): Promise<void> {
  const { db } = funnel.database
  for (const terms of DEMO_SERVERS) {
    const accountId = accountOf(o.accounts, terms)
    if ((await findServer(db, accountId, terms)) === undefined) {
      const input = { accountId, ...(await saleOf(db, terms)), ...placeOf(terms) }
      await runStep(funnel, createServer(o.terms), input)
    }
    const server = await findServer(db, accountId, terms)
    if (!server) throw new Error(`the demo server ${terms.hostname} is missing`)
    if (terms.standing === 'unpaid') {
      await runStep(funnel, renewServers, {
        serverIds: [server.id],
        billingCycle: null,
        promoCode: null,
        addonIds: null,
        existing: 'keep',
      })
    }
    if (terms.standing === 'suspended') {
      await runStep(funnel, suspendServer, { serverId: server.id })
    }
  }
}

/** What demo.json tells of the servers. */
export async function listDemoServers(db: Db, accounts: AccountIds): Promise<DemoServer[]> {
  return await Promise.all(
    DEMO_SERVERS.map(async (terms) => {
      const accountId = accountOf(accounts, terms)
      const server = await findServer(db, accountId, terms)
      if (!server) throw new Error(`the demo server ${terms.hostname} is missing`)
      const invoice = await findOpenRenewal(db, { accountId, serverId: server.id })
      return {
        id: String(server.id),
        public_id: publicIdOf('vps', server.publicId),
        customer_id: String(accountId),
        unpaid_invoice_id: invoice === undefined ? null : String(invoice.id),
      }
    }),
  )
}

function accountOf(accounts: AccountIds, { customerEmail }: DemoServerTerms): bigint {
  const accountId = accounts.get(customerEmail)
  if (accountId === undefined) throw new Error(`the demo has no customer ${customerEmail}`)
  return accountId
}

async function findServer(
  db: Db,
  accountId: bigint,
  { hostname }: DemoServerTerms,
): Promise<Server | undefined> {
  const reader = new ServerReader({ db, compute: new Map() })
  const window = { before: undefined, limit: 1 }
  return (await reader.list({ accountId, hostname, window })).servers[0]
}

async function saleOf(db: Db, terms: DemoServerTerms) {
  const plan = (await listPlans(db, { limit: LISTED_MAX })).find(({ key }) => key === terms.planKey)
  if (!plan) throw new Error(`the demo plan ${terms.planKey} is missing`)
  const known = await listAddons(db, { limit: LISTED_MAX })
  const addons = terms.addonKeys.map((key) => {
    const addon = known.find((one) => one.key === key)
    if (!addon) throw new Error(`the demo addon ${key} is missing`)
    return { addonId: BigInt(addon.id), quantity: 1 }
  })
  const { billingCycle, autoPay } = terms
  return { planId: BigInt(plan.id), addons, billingCycle, autoPay, from: null }
}

/** Where a server stands, with addresses from the networks that are kept for documentation. */
function placeOf({ hostname, location, image, host }: DemoServerTerms) {
  const shared = { ddosProtected: true, ptr: `host${host}.demo.example` }
  return {
    hostname,
    location,
    image,
    providerRef: null,
    addresses: [
      { address: `203.0.113.${host}`, gateway: '203.0.113.1', prefix: 24, ...shared },
      { address: `2001:db8:113::${host}`, gateway: '2001:db8:113::1', prefix: 64, ...shared },
    ],
  }
}
