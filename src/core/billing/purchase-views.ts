import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import {
  beforeOf,
  type ListWindow,
  limitOf,
  offsetOf,
  type TotalOf,
  totalOf,
} from '../list-window.ts'
import { Refusal } from '../refusal.ts'
import { invoicesOfPurchases } from './invoice-views.ts'
import type { Invoice, PromoOfPurchase, Purchase, PurchaseLine, PurchaseState } from './purchase.ts'

/** SQL: whether a purchase is the account's; null: anybody's, for operators. */
function isOf(accountId: bigint | null): RawBuilder<unknown> {
  return accountId === null ? sql`true` : sql`p.account_id = ${accountId}`
}

/**
 * One purchase of the account (null: of anybody's), with its lines and its invoice. Refuses
 * `not_found`.
 */
export async function readPurchase(
  db: Db,
  o: { accountId: bigint | null; id: bigint },
): Promise<Purchase> {
  const { rows } = await sql<PurchaseRow>`
    select ${COLUMNS} from purchase p
    where ${isOf(o.accountId)} and p.id = ${o.id}`.execute(db)
  const [purchase] = await withLines(db, rows)
  if (!purchase) throw new Refusal('not_found')
  return purchase
}

/** An account's purchases (null: all) in these states, newest first. */
export async function listPurchases<Window extends ListWindow>(
  db: Db,
  o: { accountId: bigint | null; states: readonly PurchaseState[]; window: Window },
): Promise<{ purchases: Purchase[]; total: TotalOf<Window> }> {
  const before = beforeOf(o.window)
  const chosen = sql`${isOf(o.accountId)} and p.state = any (${o.states}::text[])`
  const { rows } = await sql<PurchaseRow>`
    select ${COLUMNS} from purchase p
    where ${chosen} ${before === undefined ? sql`` : sql`and p.id < ${before}`}
    order by p.id desc limit ${limitOf(o.window)} offset ${offsetOf(o.window)}`.execute(db)
  const total = await totalOf(o.window, async () => {
    const counted = await sql<{ count: bigint }>`
      select count(*) from purchase p where ${chosen}`.execute(db)
    return Number(counted.rows[0]?.count ?? 0n)
  })
  return { purchases: await withLines(db, rows), total }
}

/** Whether anything was ever made out for the account. */
export async function hasPurchases(db: Db, accountId: bigint): Promise<boolean> {
  const { rows } = await sql`
    select from purchase where account_id = ${accountId} limit 1`.execute(db)
  return rows.length > 0
}

type PurchaseRow = Omit<Purchase, 'promo' | 'promoApplicable' | 'lines' | 'invoice'>

const COLUMNS = sql`
  p.id, p.account_id as "accountId", p.kind, p.state, p.currency,
  p.tax_rate_ppm as "taxRatePpm", p.net as "netMicros", p.gross as "grossMicros",
  p.payment_method as "paymentMethod", p.auto_pay as "autoPay", p.created_at as "createdAt",
  p.due_at as "dueAt", p.paid_at as "paidAt"`

/** Two more queries, however many purchases there are. */
async function withLines(db: Db, rows: readonly PurchaseRow[]): Promise<Purchase[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const lines = Map.groupBy(await readLines(db, ids), (line) => line.purchaseId)
  const invoices = await invoicesOfPurchases(db, ids)
  return rows.map((row) => toPurchase(row, lines.get(row.id) ?? [], invoices.get(row.id)))
}

function toPurchase(
  row: PurchaseRow,
  lines: readonly LineRow[],
  invoice: Invoice | undefined,
): Purchase {
  const promo = promoOf(lines)
  return {
    ...row,
    promo,
    promoApplicable:
      row.state === 'awaiting_payment' &&
      promo === null &&
      lines.some((line) => line.kind === 'server'),
    lines: lines.map(toLine),
    invoice: invoice ?? null,
  }
}

interface LineRow extends Omit<PurchaseLine, 'promo'> {
  readonly purchaseId: bigint
  readonly discountNetMicros: bigint
  readonly discountGrossMicros: bigint
  readonly code: string | null
  readonly percentPpm: number | null
  readonly promoMinimumCycle: number | null
}

/** The lines of these purchases, in order; of a voided one, those that were voided with it. */
async function readLines(db: Db, purchaseIds: readonly bigint[]): Promise<LineRow[]> {
  const { rows } = await sql<LineRow>`
    select l.purchase_id as "purchaseId", l.id, l.kind, l.subscription_id as "subscriptionId",
      s.server_id as "serverId", l.label, l.sublabel, l.period_from as "periodFrom",
      l.period_to as "periodTo", l.billing_cycle as "billingCycle",
      n.minimum_billing_cycle as "minimumBillingCycle", l.net as "netMicros",
      l.gross as "grossMicros", l.list_net - l.net as "discountNetMicros",
      l.list_gross - l.gross as "discountGrossMicros", c.code, c.percent_ppm as "percentPpm",
      c.minimum_billing_cycle as "promoMinimumCycle"
    from purchase_line l
    join purchase p on p.id = l.purchase_id
    join subscription s on s.id = l.subscription_id
    left join plan n on n.id = s.plan_id
    left join promo_code c on c.id = l.promo_code_id
    where l.purchase_id = any (${purchaseIds}::bigint[])
      and l.is_cancelled = (p.state = 'cancelled')
    order by l.purchase_id, l.position, l.id`.execute(db)
  return rows
}

function toLine(row: LineRow): PurchaseLine {
  const {
    purchaseId: _purchase,
    discountNetMicros: _net,
    discountGrossMicros: _gross,
    code: _code,
    percentPpm: _percent,
    promoMinimumCycle: _cycle,
    ...line
  } = row
  return { ...line, promo: promoOf([row]) }
}

/** The code on these lines with all that it takes off them; a purchase has one code at most. */
function promoOf(lines: readonly LineRow[]): PromoOfPurchase | null {
  const discounted = lines.filter((line) => line.code !== null)
  const [first] = discounted
  if (first === undefined || first.code === null) return null
  let discountNetMicros = 0n
  let discountGrossMicros = 0n
  for (const line of discounted) {
    discountNetMicros += line.discountNetMicros
    discountGrossMicros += line.discountGrossMicros
  }
  return {
    code: first.code,
    percentPpm: first.percentPpm ?? 0,
    minimumBillingCycle: first.promoMinimumCycle ?? 1,
    discountNetMicros,
    discountGrossMicros,
  }
}
