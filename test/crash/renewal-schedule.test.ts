/** Purser is killed while it renews what is due. In the end each is renewed and paid for once. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { spawnTestPurser } from '../kit/purser.ts'
import { openRenewalShop } from '../kit/renewals.ts'
import { seeded } from '../kit/seeded.ts'

const DAY_MS = 86_400_000
const CUSTOMERS = 8
const SERVERS_EACH = 200
const SERVERS = CUSTOMERS * SERVERS_EACH
const KILLS = 5
const POLL_MS = 2
/** A lease of a process that was killed lapses within half a minute. */
const DONE_WITHIN_MS = 240_000

const shop = await openRenewalShop()
const env = { DATABASE_URL: shop.place.url }
const first = await spawnTestPurser({ env })
const pursers = [
  first,
  await spawnTestPurser({ beside: first, env: { ...env, DEMO: '0' } }),
] as const
after(async () => {
  for (const purser of pursers) await purser.stop()
  await shop.close()
})

interface Counts {
  readonly made: number
  readonly paid: number
}

async function count(accountIds: readonly bigint[]): Promise<Counts> {
  const [row] = await shop.query<Counts>(
    `select count(*)::integer as made, (count(*) filter (where state = 'paid'))::integer as paid
     from purchase where account_id = any ($1)`,
    [accountIds],
  )
  return row ?? { made: 0, paid: 0 }
}

test('two processes renew, one after the other is killed, and each server is renewed once', async (t) => {
  const random = seeded()
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  for (const purser of pursers) await purser.kill('SIGKILL')
  const now = shop.clock.now()
  const customers = await Promise.all(
    Array.from({ length: CUSTOMERS }, () => shop.customer({ credit: '2000', timeZone: 'UTC' })),
  )
  const accountIds = customers.map((customer) => customer.accountId)
  const from = new Date(now.getTime() - 31 * DAY_MS)
  for (let at = 0; at < SERVERS_EACH; at++) {
    const terms = { from, addons: at % 5 ? [] : ['backups' as const] }
    await Promise.all(customers.map((customer) => shop.rent(customer, terms)))
  }
  for (const purser of pursers) await purser.restart()
  const deadline = Date.now() + DONE_WITHIN_MS
  for (let kills = 0; ; ) {
    const { made, paid } = await count(accountIds)
    if (paid === SERVERS) break
    assert.ok(Date.now() < deadline, `${made} made out, ${paid} paid of ${SERVERS}`)
    // Somewhere in each fifth of all that is made out and paid.
    const fifth = (2 * SERVERS) / KILLS
    if (kills < KILLS && made + paid > fifth * kills + random.int(fifth / 2)) {
      const purser = pursers[kills++ % 2]!
      await purser.kill('SIGKILL')
      await purser.restart()
    }
    await pause(POLL_MS)
  }
  assert.equal((await count(accountIds)).made, SERVERS)
  const renewed = await shop.query<{ renewed: number; count: number }>(
    `select s.renewed::integer, count(*)::integer as count from (
       select p.subscription_id, count(*) filter (where p.purchase_line_id is not null) as renewed
       from subscription_period p where p.account_id = any ($1) group by p.subscription_id
     ) s group by s.renewed`,
    [accountIds],
  )
  assert.deepEqual(renewed, [{ renewed: 1, count: SERVERS + SERVERS / 5 }])
  const [sums] = await shop.query<{ balance: bigint }>(
    `select sum(balance)::bigint as balance from ledger_account
     where account_id = any ($1) and kind in ('wallet', 'held')`,
    [accountIds],
  )
  const spent = BigInt(SERVERS) * 5_000_000n + BigInt(SERVERS / 5) * 1_000_000n
  assert.equal(sums?.balance, BigInt(CUSTOMERS) * 2_000_000_000n - spent)
  await shop.verify()
})
