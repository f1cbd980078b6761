import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import { uuidV7 } from '../../lib/ids.ts'
import { Refusal } from '../refusal.ts'
import type { PaymentMethod, PurchaseState } from './purchase.ts'
import type { LineDraft, RenewalTerms } from './renewal-lines.ts'

/** A purchase as it is to be made out. */
export interface PurchaseDraft extends RenewalTerms {
  readonly accountId: bigint
  readonly autoPay: boolean
  readonly dueAt: Date
  readonly payAt: Date | null
  /** The local midnight of the day on which its invoice is made out. */
  readonly issuedOn: Date
}

export interface StoredPurchase {
  readonly id: bigint
  readonly accountId: bigint
  readonly state: PurchaseState
  readonly autoPay: boolean
  readonly paymentMethod: PaymentMethod
  readonly promoCodeId: bigint | null
  readonly grossMicros: bigint
  readonly dueAt: Date
  readonly payAt: Date | null
}

/** What stands in a purchase for one subscription. */
export interface StoredLine {
  readonly purchaseId: bigint
  readonly subscriptionId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly billingCycle: number
}

/**
 * Makes out purchases with their lines and, for those that cost something, their invoices. The
 * subscriptions are locked, and no line stands for these periods. Returns the ids in order.
 */
export async function insertPurchases(
  tx: Tx,
  o: { now: Date; drafts: readonly PurchaseDraft[] },
): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select nextval('purchase_id_seq') as id
    from generate_series(1, ${o.drafts.length}::integer)`.execute(tx)
  const drafts = o.drafts.map((draft, at) => ({ ...draft, id: rows[at]!.id }))
  const column = columnOf(drafts)
  await sql`
    insert into purchase (id, account_id, currency, tax_rate_ppm, net, gross, auto_pay,
      promo_code_id, due_at, pay_at, created_at, updated_at)
    select i.*, ${o.now}::timestamptz, ${o.now}::timestamptz from unnest(
      ${column((draft) => draft.id)}::bigint[],
      ${column((draft) => draft.accountId)}::bigint[],
      ${column((draft) => draft.currency)}::text[],
      ${column((draft) => draft.taxRatePpm)}::integer[],
      ${column((draft) => draft.netMicros)}::bigint[],
      ${column((draft) => draft.grossMicros)}::bigint[],
      ${column((draft) => draft.autoPay)}::boolean[],
      ${column((draft) => draft.promo?.id ?? null)}::bigint[],
      ${column((draft) => draft.dueAt)}::timestamptz[],
      ${column((draft) => draft.payAt)}::timestamptz[]
    ) as i`.execute(tx)
  await insertLines(tx, drafts)
  const costing = drafts.filter((draft) => draft.grossMicros > 0n)
  await insertInvoices(tx, { now: o.now, drafts: costing })
  return rows.map((row) => row.id)
}

async function insertLines(
  tx: Tx,
  drafts: readonly { id: bigint; accountId: bigint; lines: readonly LineDraft[] }[],
): Promise<void> {
  const lines = drafts.flatMap(({ id, accountId, lines }) =>
    lines.map((line, at) => ({ ...line, purchaseId: id, accountId, position: at + 1 })),
  )
  const column = columnOf(lines)
  await sql`
    insert into purchase_line (purchase_id, account_id, position, subscription_id, kind, label,
      sublabel, period_from, period_to, billing_cycle, list_net, list_gross, net, gross,
      promo_code_id)
    select i.* from unnest(
      ${column((line) => line.purchaseId)}::bigint[],
      ${column((line) => line.accountId)}::bigint[],
      ${column((line) => line.position)}::smallint[],
      ${column((line) => line.subscriptionId)}::bigint[],
      ${column((line) => line.kind)}::text[],
      ${column((line) => line.label)}::text[],
      ${column((line) => line.sublabel)}::text[],
      ${column((line) => line.periodFrom)}::timestamptz[],
      ${column((line) => line.periodTo)}::timestamptz[],
      ${column((line) => line.billingCycle)}::smallint[],
      ${column((line) => line.listNetMicros)}::bigint[],
      ${column((line) => line.listGrossMicros)}::bigint[],
      ${column((line) => line.netMicros)}::bigint[],
      ${column((line) => line.grossMicros)}::bigint[],
      ${column((line) => line.promoCodeId)}::bigint[]
    ) as i`.execute(tx)
}

/** An invoice that is there already is put right. */
async function insertInvoices(
  tx: Tx,
  o: { now: Date; drafts: readonly (PurchaseDraft & { readonly id: bigint })[] },
): Promise<void> {
  if (o.drafts.length === 0) return
  const column = columnOf(o.drafts)
  await sql`
    insert into invoice (public_id, account_id, purchase_id, currency, tax_rate_ppm, net, gross,
      issued_on, due_at, created_at, updated_at)
    select i.*, ${o.now}::timestamptz, ${o.now}::timestamptz from unnest(
      ${column(() => uuidV7(o.now.getTime()))}::uuid[],
      ${column((draft) => draft.accountId)}::bigint[],
      ${column((draft) => draft.id)}::bigint[],
      ${column((draft) => draft.currency)}::text[],
      ${column((draft) => draft.taxRatePpm)}::integer[],
      ${column((draft) => draft.netMicros)}::bigint[],
      ${column((draft) => draft.grossMicros)}::bigint[],
      ${column((draft) => draft.issuedOn)}::timestamptz[],
      ${column((draft) => draft.dueAt)}::timestamptz[]
    ) as i
    on conflict (purchase_id) do update set currency = excluded.currency,
      tax_rate_ppm = excluded.tax_rate_ppm, net = excluded.net, gross = excluded.gross,
      updated_at = excluded.updated_at`.execute(tx)
}

const STORED = sql`
  p.id, p.account_id as "accountId", p.state, p.auto_pay as "autoPay",
  p.payment_method as "paymentMethod", p.promo_code_id as "promoCodeId", p.gross as "grossMicros", p.due_at as "dueAt",
  p.pay_at as "payAt"`

/** Locks a purchase until the transaction ends. Refuses `not_found`. */
export async function lockPurchase(
  tx: Tx,
  o: { id: bigint; accountId: bigint | null },
): Promise<StoredPurchase> {
  const { rows } = await sql<StoredPurchase>`
    select ${STORED} from purchase p
    where p.id = ${o.id} and p.account_id = coalesce(${o.accountId}::bigint, p.account_id)
    for no key update`.execute(tx)
  const purchase = rows[0]
  if (!purchase) throw new Refusal('not_found')
  return purchase
}

/** Locks the purchases that stand for the next periods of these servers, in id order. */
export async function lockOpenPurchases(
  tx: Tx,
  o: { serverIds: readonly bigint[] },
): Promise<ReadonlyMap<bigint, StoredPurchase>> {
  const { rows } = await sql<StoredPurchase>`
    select ${STORED} from purchase p
    where p.id in (
      select l.purchase_id from subscription s
      join purchase_line l on l.subscription_id = s.id and l.period_from = s.expires_at
        and not l.is_cancelled
      where s.server_id = any (${o.serverIds}::bigint[]) and s.kind = 'server'
    )
    order by p.id for no key update`.execute(tx)
  return new Map(rows.map((purchase) => [purchase.id, purchase]))
}

/** The lines that stand in these purchases, in their order. */
export async function readStandingLines(
  tx: Tx,
  o: { purchaseIds: readonly bigint[] },
): Promise<StoredLine[]> {
  const { rows } = await sql<StoredLine>`
    select purchase_id as "purchaseId", subscription_id as "subscriptionId", kind,
      billing_cycle as "billingCycle"
    from purchase_line
    where purchase_id = any (${o.purchaseIds}::bigint[]) and not is_cancelled
    order by purchase_id, position, id`.execute(tx)
  return rows
}

/** Puts other lines into a locked purchase that awaits payment, and its invoice right. */
export async function replaceLines(
  tx: Tx,
  o: { now: Date; id: bigint; draft: PurchaseDraft },
): Promise<void> {
  const { now, id, draft } = o
  await sql`delete from purchase_line where purchase_id = ${id}`.execute(tx)
  await insertLines(tx, [{ ...draft, id }])
  await sql`
    update purchase set currency = ${draft.currency}, tax_rate_ppm = ${draft.taxRatePpm},
      net = ${draft.netMicros}, gross = ${draft.grossMicros},
      promo_code_id = ${draft.promo?.id ?? null}, pay_at = ${draft.payAt}, updated_at = ${now}
    where id = ${id}`.execute(tx)
  if (draft.grossMicros > 0n) {
    await insertInvoices(tx, { now, drafts: [{ ...draft, id }] })
  } else {
    // A proforma of nothing is no invoice; nobody has been given a number of its own.
    await sql`delete from invoice where purchase_id = ${id} and state = 'unpaid'`.execute(tx)
  }
}

/** How a locked purchase that awaits payment is paid. */
export async function updatePayment(
  tx: Tx,
  o: {
    now: Date
    purchaseId: bigint
    paymentMethod: PaymentMethod
    autoPay: boolean
    payAt: Date | null
  },
): Promise<void> {
  // Whoever switches it on wants it tried afresh.
  await sql`
    update purchase set payment_method = ${o.paymentMethod}, auto_pay = ${o.autoPay},
      pay_at = ${o.payAt}::timestamptz, updated_at = ${o.now}::timestamptz,
      pay_attempts = case when ${o.autoPay} and not auto_pay then 0 else pay_attempts end
    where id = ${o.purchaseId}`.execute(tx)
}

/** Voids a locked purchase that awaits payment: its periods can be made out again. */
export async function voidPurchase(tx: Tx, o: { now: Date; purchaseId: bigint }): Promise<void> {
  await sql`
    update purchase set state = 'cancelled', pay_at = null, updated_at = ${o.now}
    where id = ${o.purchaseId}`.execute(tx)
  await sql`update purchase_line set is_cancelled = true where purchase_id = ${o.purchaseId}`.execute(
    tx,
  )
  await sql`
    update invoice set state = 'cancelled', updated_at = ${o.now}
    where purchase_id = ${o.purchaseId} and state = 'unpaid'`.execute(tx)
}
