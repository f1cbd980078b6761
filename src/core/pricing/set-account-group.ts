import { moveEpoch } from '../epoch.ts'
import type { Account } from '../identity/account.ts'
import { moveToGroup } from '../identity/reprice-account.ts'
import type { Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { readDiscountGroup } from './pricing-views.ts'

/** Puts an account into a group, or (null) out of any. Refuses `not_found`, `invalid_input`. */
export const setAccountGroup: Operation<{ accountId: bigint; groupId: bigint | null }, Account> = {
  name: 'account.set_discount_group',
  permission: 'operator',
  async run({ tx, now, record }, { accountId, groupId }) {
    await moveEpoch(tx, 'key')
    if (groupId !== null) {
      await readDiscountGroup(tx, groupId).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error
        throw invalidField('/discount_group_id', 'there is no such group', 'not_found')
      })
    }
    const account = await moveToGroup(tx, { accountId, groupId, now })
    record({
      kind: 'account.discount_group_set',
      subjectId: accountId,
      accountId,
      data: { discount_group_id: groupId === null ? null : String(groupId) },
    })
    return account
  },
}
