import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import type { ApiKey } from './api-key.ts'
import { lockKey, updateKeyRow } from './key-store.ts'

/**
 * Ends a key, an account's or an operator's, for good: no order is charged to it once this has
 * committed. Refuses `not_found`; disabling twice changes nothing.
 */
export const disableApiKey: Operation<{ keyId: bigint }, ApiKey> = {
  name: 'api_key.disable',
  permission: 'operator',
  async run({ tx, now, record }, { keyId }) {
    await moveEpoch(tx, 'key')
    const key = await lockKey(tx, keyId)
    if (key.disabledAt !== null) return key
    const accountId = key.accountId === null ? null : BigInt(key.accountId)
    record({ kind: 'api_key.disabled', subjectId: keyId, accountId })
    return await updateKeyRow(tx, keyId, { disabled_at: now })
  },
}
