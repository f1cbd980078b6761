/** Servers of a test's own, made through the operator API, and the rows behind their renewals. */
import assert from 'node:assert/strict'
import { publicIdOf } from '../../src/lib/ids.ts'
import { created } from './operator.ts'
import type { PurserClient } from './purser.ts'
import type { Customer } from './shop.ts'
import { transferLines } from './transfer-lines.ts'

/** A server's rows. */
export interface ServerRows {
  readonly id: bigint
  /** `vps_…`. */
  readonly publicId: string
  readonly createdAt: Date
  readonly subscriptionId: bigint
  /** The subscriptions of its addons, in the order in which they were asked for. */
  readonly addons: readonly { readonly id: bigint; readonly publicId: string }[]
  /** The end of the period that it was given. */
  readonly expiresAt: Date
  /** On which day of the month its periods begin. */
  readonly anchorDay: number
}

export interface TestServer extends ServerRows {
  /** The main one; empty without one. */
  readonly address: string
  readonly planId: string
  readonly planName: string
}

export interface ServerTerms {
  readonly hostname?: string
  readonly location?: string
  readonly image?: { readonly name: string; readonly family: string; readonly version: string }
  readonly plan?: Readonly<
    Partial<Record<'vcpus' | 'memory_mb' | 'disk_gb' | 'bandwidth_gb', number>>
  >
  /** The first is the main one; left out, one that no other server has. */
  readonly addresses?: readonly {
    readonly address: string
    readonly gateway: string
    readonly prefix: number
    readonly ptr?: string
  }[]
  readonly currency?: string
  /** For a month. */
  readonly price?: string
  /** How many days are left of its period, or up to three more. */
  readonly daysLeft?: number
}

export interface OpenInvoice {
  readonly id: bigint
  /** `inv_…`. */
  readonly publicId: string
  readonly purchaseId: bigint
}

const DAY_MS = 86_400_000
let servers = 0

/** Has a server made as `body` tells; what then stands in the tables. */
export async function addServer(
  purser: PurserClient,
  body: {
    readonly account_id: string
    readonly plan_id: string
    readonly [field: string]: unknown
  },
): Promise<ServerRows> {
  const { id } = await created(purser, '/servers', body)
  const { rows } = await purser.pool.query<{
    id: bigint
    kind: string
    publicId: string
    serverPublicId: string
    createdAt: Date
    expiresAt: Date
    anchorDay: number
  }>(
    `select s.id, s.kind, s.public_id as "publicId", v.public_id as "serverPublicId",
       v.created_at as "createdAt", s.expires_at as "expiresAt", s.anchor_day as "anchorDay"
     from subscription s join server v on v.id = s.server_id
     where s.server_id = $1 order by s.id`,
    [id],
  )
  const own = rows.find((row) => row.kind === 'server')
  assert.ok(own)
  const addons = rows.filter((row) => row.kind === 'server-addon')
  return {
    id: BigInt(id),
    publicId: publicIdOf('vps', own.serverPublicId),
    createdAt: own.createdAt,
    subscriptionId: own.id,
    addons: addons.map((row) => ({ id: row.id, publicId: publicIdOf('vpsaddon', row.publicId) })),
    expiresAt: own.expiresAt,
    anchorDay: own.anchorDay,
  }
}

/** An address that no other server of this process has, and its gateway. */
export function freeAddress(): { readonly address: string; readonly gateway: string } {
  const number = ++addresses
  const network = `10.${(number >> 8) & 255}.${number & 255}`
  return { address: `${network}.10`, gateway: `${network}.1` }
}

let addresses = 0

/** The end of a period of so many months that begins where the given one ends (UTC). */
export function monthsOn(
  { expiresAt, anchorDay }: Pick<ServerRows, 'expiresAt' | 'anchorDay'>,
  months: number,
): Date {
  const year = expiresAt.getUTCFullYear()
  const month = expiresAt.getUTCMonth() + months
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return new Date(Date.UTC(year, month, Math.min(anchorDay, days)))
}

/** A server of the customer's that runs out in some three weeks; nobody renews it by itself. */
export async function newServer(
  purser: PurserClient,
  customer: Customer,
  o: ServerTerms = {},
): Promise<TestServer> {
  const number = ++servers
  const name = `Plan ${process.pid} ${number}`
  const { id: plan } = await created(purser, '/plans', {
    key: `plan-${process.pid}-${number}`,
    name,
    vcpus: 1,
    memory_mb: 2048,
    disk_gb: 40,
    bandwidth_gb: 1024,
    ...o.plan,
    prices: [{ currency: o.currency ?? 'USD', billing_cycle: 1, amount: o.price ?? '5.00' }],
  })
  const ends = lastDay(o.daysLeft ?? 20)
  const addresses = o.addresses ?? [{ ...freeAddress(), prefix: 24 }]
  const rows = await addServer(purser, {
    account_id: String(customer.id),
    plan_id: plan,
    billing_cycle: 1,
    hostname: o.hostname ?? `server-${number}.shop.example`,
    location: o.location ?? 'Sofia',
    image: o.image ?? { name: 'Debian 13', family: 'debian', version: '13' },
    addresses,
    auto_pay: false,
    starts_at: monthBefore(ends).toISOString(),
  })
  assert.deepEqual(rows.expiresAt, ends)
  return { ...rows, address: addresses[0]?.address ?? '', planId: plan, planName: name }
}

/** The same, with so few days left that its renewal is made out at once. */
export function renewableServer(
  purser: PurserClient,
  customer: Customer,
  o: ServerTerms = {},
): Promise<TestServer> {
  return newServer(purser, customer, { daysLeft: 3, ...o })
}

/** A midnight in some days' time, on a day that every month has. */
function lastDay(daysLeft: number): Date {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
  let day = new Date(today + daysLeft * DAY_MS)
  while (day.getUTCDate() > 28) day = new Date(day.getTime() + DAY_MS)
  return day
}

function monthBefore(day: Date): Date {
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - 1, day.getUTCDate()))
}

/** The server's unpaid invoice; where the scheduler has not made it out, it is made out now. */
export async function openRenewal(purser: PurserClient, server: TestServer): Promise<OpenInvoice> {
  const made = await purser.admin('POST', `/servers/${server.id}/renew`, {})
  assert.ok(made.status === 200 || made.status === 201, made.text)
  const { rows } = await purser.pool.query<{ id: bigint; public_id: string; purchase: bigint }>(
    `select i.id, i.public_id, i.purchase_id as purchase from invoice i
     join purchase_line l on l.purchase_id = i.purchase_id and not l.is_cancelled
     join subscription s on s.id = l.subscription_id
     where s.server_id = $1 and i.state = 'unpaid'`,
    [server.id],
  )
  const [row] = rows
  assert.ok(row, `server ${server.id} has no open renewal`)
  const publicId = publicIdOf('inv', row.public_id)
  return { id: row.id, publicId, purchaseId: row.purchase }
}

/** Until when the server is paid for. */
export async function expiryOf(
  purser: PurserClient,
  { id }: Pick<TestServer, 'id'>,
): Promise<Date> {
  const { rows } = await purser.pool.query<{ expires_at: Date }>(
    `select expires_at from subscription where server_id = $1 and kind = 'server'`,
    [id],
  )
  return rows[0]!.expires_at
}

export async function purchaseRow(
  purser: PurserClient,
  { purchaseId }: OpenInvoice,
): Promise<{ state: string }> {
  const { rows } = await purser.pool.query<{ state: string }>(
    'select * from purchase where id = $1',
    [purchaseId],
  )
  return rows[0]!
}

/** All transfers of an account, oldest first, as `hold wallet>held 5000000` (millionths). */
export async function walletMoves(
  purser: PurserClient,
  accountId: string | number,
): Promise<string[]> {
  return await transferLines(purser.pool, 't.account_id = $1', [accountId])
}
