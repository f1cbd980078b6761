import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'

/** A recurring entitlement: of a server, or of an addon that is renewed with it. */
export interface SubscriptionView {
  readonly id: bigint
  readonly publicId: string
  readonly accountId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly serverId: bigint
  readonly planId: bigint | null
  readonly addonId: bigint | null
  readonly quantity: number
  readonly billingCycle: number
  readonly timeZone: string
  readonly anchorDay: number
  readonly expiresAt: Date
  readonly state: 'active' | 'ended'
  readonly autoPay: boolean
  /** When its next renewal is made out, and when its server is suspended; null: not by itself. */
  readonly nextInvoiceAt: Date | null
  readonly suspendAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A period that was paid for; by no purchase: granted. */
export interface PeriodView {
  readonly from: Date
  readonly to: Date
  readonly billingCycle: number
  readonly purchaseId: bigint | null
}

const COLUMNS = sql`
  s.id, s.public_id as "publicId", s.account_id as "accountId", s.kind,
  s.server_id as "serverId", s.plan_id as "planId", s.addon_id as "addonId", s.quantity,
  s.billing_cycle as "billingCycle", s.time_zone as "timeZone", s.anchor_day as "anchorDay",
  s.expires_at as "expiresAt", s.state, s.auto_pay as "autoPay",
  s.next_invoice_at as "nextInvoiceAt", s.suspend_at as "suspendAt",
  s.created_at as "createdAt", s.updated_at as "updatedAt"`

/** Newest first, below the id `before`. */
export async function listSubscriptions(
  db: Db,
  o: {
    accountId?: bigint | undefined
    serverId?: bigint | undefined
    state?: SubscriptionView['state'] | undefined
    before?: bigint | undefined
    limit: number
  },
): Promise<SubscriptionView[]> {
  const chosen: RawBuilder<unknown>[] = [sql`true`]
  if (o.accountId !== undefined) chosen.push(sql`s.account_id = ${o.accountId}`)
  if (o.serverId !== undefined) chosen.push(sql`s.server_id = ${o.serverId}`)
  if (o.state !== undefined) chosen.push(sql`s.state = ${o.state}`)
  if (o.before !== undefined) chosen.push(sql`s.id < ${o.before}`)
  const { rows } = await sql<SubscriptionView>`
    select ${COLUMNS} from subscription s where ${sql.join(chosen, sql` and `)}
    order by s.id desc limit ${o.limit}`.execute(db)
  return rows
}

/** How many periods are shown at the most: eight years of months. */
const PERIODS_MAX = 100

/** A subscription with its last periods, the newest first. Refuses `not_found`. */
export async function readSubscription(
  db: Db,
  id: bigint,
): Promise<{ subscription: SubscriptionView; periods: readonly PeriodView[] }> {
  const { rows } = await sql<SubscriptionView>`
    select ${COLUMNS} from subscription s where s.id = ${id}`.execute(db)
  const subscription = rows[0]
  if (!subscription) throw new Refusal('not_found')
  const { rows: periods } = await sql<PeriodView>`
    select o.period_from as "from", o.period_to as "to", o.billing_cycle as "billingCycle",
      l.purchase_id as "purchaseId"
    from subscription_period o
    left join purchase_line l on l.id = o.purchase_line_id
    where o.subscription_id = ${id}
    order by o.period_from desc limit ${PERIODS_MAX}`.execute(db)
  return { subscription, periods }
}
