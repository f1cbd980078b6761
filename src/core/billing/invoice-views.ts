import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { parseNumber, parsePublicId } from '../../lib/ids.ts'
import {
  beforeOf,
  type ListWindow,
  limitOf,
  offsetOf,
  type TotalOf,
  totalOf,
} from '../list-window.ts'
import { Refusal } from '../refusal.ts'
import type { Invoice } from './purchase.ts'

/** SQL for the columns of an Invoice, of the invoice `i`. */
const COLUMNS = sql`
  i.id, i.public_id as "publicId", i.account_id as "accountId", i.purchase_id as "purchaseId",
  i.state, coalesce(i.number, i.purchase_id) as number, i.number is not null as original,
  i.currency, i.tax_rate_ppm as "taxRatePpm", i.net as "netMicros", i.gross as "grossMicros",
  i.issued_on as "issuedOn", i.due_at as "dueAt", i.created_at as "createdAt",
  i.paid_at as "paidAt"`

/** SQL: whether an invoice is the account's; null: anybody's, for operators. */
function isOf(accountId: bigint | null): RawBuilder<unknown> {
  return accountId === null ? sql`true` : sql`i.account_id = ${accountId}`
}

/** SQL: whether the purchase of the invoice `i` renews this server, or did before it was voided. */
function renewsServer(serverId: bigint): RawBuilder<boolean> {
  return sql`exists (
    select from purchase_line l
    join subscription s on s.id = l.subscription_id
    where l.purchase_id = i.purchase_id and s.server_id = ${serverId})`
}

/** An account's invoices (null: all), newest first; of one server where that is given. */
export async function listInvoices<Window extends ListWindow>(
  db: Db,
  o: {
    accountId: bigint | null
    state?: Invoice['state'] | undefined
    serverId?: bigint | undefined
    window: Window
  },
): Promise<{ invoices: Invoice[]; total: TotalOf<Window> }> {
  const before = beforeOf(o.window)
  const chosen = sql`${isOf(o.accountId)}
    ${o.state === undefined ? sql`` : sql`and i.state = ${o.state}`}
    ${o.serverId === undefined ? sql`` : sql`and ${renewsServer(o.serverId)}`}`
  const { rows: invoices } = await sql<Invoice>`
    select ${COLUMNS} from invoice i
    where ${chosen} ${before === undefined ? sql`` : sql`and i.id < ${before}`}
    order by i.id desc limit ${limitOf(o.window)} offset ${offsetOf(o.window)}`.execute(db)
  const total = await totalOf(o.window, async () => {
    const counted = await sql<{ count: bigint }>`
      select count(*) from invoice i where ${chosen}`.execute(db)
    return Number(counted.rows[0]?.count ?? 0n)
  })
  return { invoices, total }
}

/**
 * An invoice of the account (null: of anybody's) by its id or its public id; where a server is
 * given, one that renews it. Refuses `not_found`.
 */
export async function readInvoice(
  db: Db,
  o: { accountId: bigint | null; name: string; serverId?: bigint },
): Promise<Invoice> {
  const publicId = parsePublicId('inv', o.name)
  const id = parseNumber(o.name)
  if (publicId === undefined && id === undefined) throw new Refusal('not_found')
  const named = publicId === undefined ? sql`i.id = ${id}` : sql`i.public_id = ${publicId}`
  const renews = o.serverId === undefined ? sql`true` : renewsServer(o.serverId)
  const invoice = await first(db, sql`${isOf(o.accountId)} and ${named} and ${renews}`)
  if (!invoice) throw new Refusal('not_found')
  return invoice
}

/**
 * An invoice of the account by a number that it is or was known by: its own, or that of its
 * purchase. Originals are numbered from a milliard up, so that a number means one of both.
 */
export async function findInvoiceByNumber(
  db: Db,
  o: { accountId: bigint; number: bigint },
): Promise<Invoice | undefined> {
  return await first(
    db,
    sql`i.account_id = ${o.accountId} and (i.number = ${o.number} or i.purchase_id = ${o.number})`,
  )
}

/** The unpaid invoice of the renewal that a server waits for; the earliest period's first. */
export async function findOpenRenewal(
  db: Db,
  o: { accountId: bigint; serverId: bigint },
): Promise<Invoice | undefined> {
  const found = await findOpenRenewals(db, { accountId: o.accountId, serverIds: [o.serverId] })
  return found.get(o.serverId)
}

/** The same for many servers, by the server's number. */
export async function findOpenRenewals(
  db: Db,
  o: { accountId: bigint; serverIds: readonly bigint[] },
): Promise<ReadonlyMap<bigint, Invoice>> {
  const { rows } = await sql<Invoice & { serverId: bigint }>`
    select distinct on (s.server_id) s.server_id as "serverId", ${COLUMNS}
    from subscription s
    join purchase_line l on l.subscription_id = s.id and not l.is_cancelled
    join invoice i on i.purchase_id = l.purchase_id
    where s.server_id = any (${o.serverIds}::bigint[]) and s.kind = 'server'
      and i.account_id = ${o.accountId} and i.state = 'unpaid'
    order by s.server_id, l.period_from`.execute(db)
  return new Map(rows.map(({ serverId, ...invoice }) => [serverId, invoice]))
}

/** The invoice last made out that renews a server. */
export async function latestInvoiceOfServer(
  db: Db,
  o: { accountId: bigint; serverId: bigint },
): Promise<Invoice | undefined> {
  return await first(db, sql`i.account_id = ${o.accountId} and ${renewsServer(o.serverId)}`)
}

/** The invoices of these purchases, by the purchase's id. */
export async function invoicesOfPurchases(
  db: Db,
  purchaseIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, Invoice>> {
  const { rows } = await sql<Invoice>`
    select ${COLUMNS} from invoice i
    where i.purchase_id = any (${purchaseIds}::bigint[])`.execute(db)
  return new Map(rows.map((invoice) => [invoice.purchaseId, invoice]))
}

/** The servers that each of these purchases renews, in the order of its lines. */
export async function serversOfPurchases(
  db: Db,
  purchaseIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, readonly bigint[]>> {
  const { rows } = await sql<{ purchaseId: bigint; serverIds: bigint[] }>`
    select l.purchase_id as "purchaseId",
      array_agg(s.server_id order by l.position) as "serverIds"
    from purchase_line l
    join subscription s on s.id = l.subscription_id
    where l.purchase_id = any (${purchaseIds}::bigint[]) and l.kind = 'server'
    group by l.purchase_id`.execute(db)
  return new Map(rows.map((row) => [row.purchaseId, row.serverIds]))
}

async function first(db: Db, where: RawBuilder<unknown>): Promise<Invoice | undefined> {
  const { rows } = await sql<Invoice>`
    select ${COLUMNS} from invoice i where ${where} order by i.id desc limit 1`.execute(db)
  return rows[0]
}
