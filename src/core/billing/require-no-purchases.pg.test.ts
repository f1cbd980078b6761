import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../../test/kit/renewals.ts'
import { SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import { updateAccount } from '../identity/update-account.ts'
import { renewServers } from './renew-servers.ts'

let shop: RenewalShop
before(async () => {
  shop = await openRenewalShop()
  await shop.query(`insert into plan_price select plan_id, 'EUR', billing_cycle, amount
    from plan_price where currency = 'USD'`)
})
after(() => shop.close())

test('what is made out while the currency changes can be paid from the wallet', async () => {
  for (let round = 0; round < 8; round++) {
    const anna = await shop.customer()
    const { serverId } = await shop.rent(anna)
    const asked = { serverIds: [serverId], billingCycle: null, promoCode: null, addonIds: null }
    const change = { accountId: anna.accountId, currency: 'EUR' }
    await Promise.allSettled([
      shop.run(anna, renewServers, { ...asked, existing: 'keep' }),
      execute(shop.funnel, updateAccount, { actor: SYSTEM, input: change, idempotencyKey: null }),
    ])
    const rows = await shop.query<{ made: string; kept: string }>(
      `select p.currency as made, w.currency as kept
       from purchase p join ledger_account w using (account_id) where p.account_id = $1`,
      [anna.accountId],
    )
    assert.equal(rows.length, 1)
    assert.equal(rows[0]?.made, rows[0]?.kept)
  }
})
