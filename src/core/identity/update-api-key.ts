import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import { type ApiKey, checkDiscount, checkScopes, KEY_NAME_LENGTH_MAX } from './api-key.ts'
import { lockKey, updateKeyRow } from './key-store.ts'

export interface UpdateApiKeyInput {
  readonly keyId: bigint
  readonly name?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly discountPpm?: number | undefined
  readonly legacyErrors?: boolean | undefined
}

/**
 * Changes an account's key. Refuses `not_found`, also for an operator's key, which has nothing of
 * this but a name; `invalid_state` for a disabled one.
 */
export const updateApiKey: Operation<UpdateApiKeyInput, ApiKey> = {
  name: 'api_key.update',
  permission: 'operator',
  async run({ tx, record }, input) {
    const { keyId } = input
    await moveEpoch(tx, 'key')
    const key = await lockKey(tx, keyId)
    if (key.accountId === null) throw new Refusal('not_found')
    if (key.disabledAt !== null) {
      throw new Refusal('invalid_state', { detail: 'This key is disabled.' })
    }
    const scopes = input.scopes === undefined ? key.scopes : checkScopes(input.scopes)
    if (scopes.length === 0) throw invalidField('/scopes', 'at least one scope is needed')
    record({ kind: 'api_key.updated', subjectId: keyId, accountId: BigInt(key.accountId) })
    return await updateKeyRow(tx, keyId, {
      name:
        input.name === undefined
          ? key.name
          : checkLine(input.name, { pointer: '/name', lengthMax: KEY_NAME_LENGTH_MAX }),
      scopes: [...scopes],
      discount_ppm:
        input.discountPpm === undefined ? key.discountPpm : checkDiscount(input.discountPpm),
      legacy_errors: input.legacyErrors ?? key.legacyErrors,
    })
  },
}
