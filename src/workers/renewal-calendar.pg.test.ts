/** Two years of renewals on PostgreSQL, with zones that change and processes that come and go. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../test/kit/renewals.ts'
import type { RentedServer } from '../../test/kit/rent-server.ts'
import type { UserActor } from '../core/actor.ts'

let shop: RenewalShop
before(async () => {
  shop = await openRenewalShop()
})
after(() => shop.close())

const DAY_MS = 86_400_000
const BEGIN = Date.parse('2026-01-20T12:00:00Z')
const END = BEGIN + 2 * 366 * DAY_MS
/** No divisor of a month, so that steps fall before, on and after what is due. */
const STEP_DAYS = 11
/** Noon of the first day of each subscription, in UTC. */
const STARTS = ['2024-02-29', '2026-01-29', '2026-01-30', '2026-01-31', '2025-11-24']
const ZONES = ['Europe/Sofia', 'America/Juneau', 'Asia/Kathmandu', 'Africa/Cairo', 'UTC']
const MONTHS = [1, 3, 12] as const

interface Tenancy extends RentedServer {
  readonly timeZone: string
  readonly months: number
  readonly start: string
}

function localDate(at: Date | number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at)
}

/** The date so many months after `start`, the last of its month where that is shorter. */
function dateAfter(start: string, months: number): string {
  const [year = 0, month = 0, day = 0] = start.split('-').map(Number)
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate()
  const date = new Date(Date.UTC(year, month - 1 + months, Math.min(day, last)))
  return date.toISOString().slice(0, 10)
}

async function rentAll(customer: UserActor): Promise<Tenancy[]> {
  const tenancies: Tenancy[] = []
  for (const timeZone of ZONES) {
    await move(customer, timeZone)
    for (const start of STARTS) {
      for (const months of MONTHS) {
        // Whatever is to come before the clock begins is made up for.
        const rented = await shop.rent(customer, {
          months,
          from: new Date(`${start}T12:00:00Z`),
          addons: months === 1 ? ['cpanel'] : [],
        })
        tenancies.push({ ...rented, timeZone, months, start })
      }
    }
  }
  return tenancies
}

async function move({ accountId }: UserActor, timeZone: string): Promise<void> {
  await shop.query('update account set time_zone = $2 where id = $1', [accountId, timeZone])
}

test('two years of periods tile, each from a local start of its day, and count exactly', async () => {
  shop.travel(new Date(BEGIN))
  const anna = await shop.customer({ credit: '100000' })
  const tenancies = await rentAll(anna)
  let process = await shop.process()
  let steps = 0
  for (let atMs = BEGIN; atMs <= END; atMs += STEP_DAYS * DAY_MS) {
    shop.travel(new Date(atMs))
    await process.runDry()
    steps++
    // A process ends, and another begins with nothing but the rows.
    if (steps % 9 === 0) process = await shop.process()
    // Where the account moves, its servers' periods stay where they were.
    if (steps % 20 === 0) {
      await move(anna, ZONES[(steps / 20) % ZONES.length]!)
    }
  }
  const now = shop.clock.now()
  for (const { subscriptionId, addonIds, ...tenancy } of tenancies) {
    for (const id of [subscriptionId, ...addonIds]) await checkPeriods(id, tenancy, now)
  }
  await shop.verify()
})

async function checkPeriods(
  id: bigint,
  { timeZone, months, start }: Pick<Tenancy, 'timeZone' | 'months' | 'start'>,
  now: Date,
): Promise<void> {
  const name = `${months} months from ${start} in ${timeZone}`
  const periods = await shop.query<{ period_from: Date; period_to: Date }>(
    'select period_from, period_to from subscription_period where subscription_id = $1 order by 1',
    [id],
  )
  const first = localDate(new Date(`${start}T12:00:00Z`), timeZone)
  let ended: number | null = null
  for (const [at, { period_from: from, period_to: to }] of periods.entries()) {
    assert.equal(from.getTime(), ended ?? from.getTime(), `${name}: tiles`)
    for (const [instant, date] of [
      [from, dateAfter(first, at * months)],
      [to, dateAfter(first, (at + 1) * months)],
    ] as const) {
      assert.equal(localDate(instant, timeZone), date, name)
      assert.ok(localDate(instant.getTime() - 1, timeZone) < date, `${name}: the start of its day`)
    }
    ended = to.getTime()
  }
  // As many as there are until the one in which now lies, which has been paid ahead.
  let expected = 1
  const today = localDate(now, timeZone)
  while (dateAfter(first, expected * months) <= today) expected++
  assert.equal(periods.length, expected, `${name}: counts`)
}
