import type { Operation } from '../operation.ts'
import { invalidField } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import { lockAccount } from './account-store.ts'
import { type CreatedApiKey, checkDiscount, checkScopes, KEY_NAME_LENGTH_MAX } from './api-key.ts'
import { insertKey } from './key-store.ts'
import { newApiKey, toNewKey } from './secret.ts'

export interface CreateApiKeyInput {
  readonly accountId: bigint
  readonly name: string
  readonly scopes: readonly string[]
  readonly discountPpm: number
  readonly legacyErrors: boolean
  /** A key chosen before, so that it can be written down first; otherwise one is made. */
  readonly key?: string
}

/** Makes a key for an account. The only answer that holds the key. Refuses `not_found`. */
export const createApiKey: Operation<CreateApiKeyInput, CreatedApiKey> = {
  name: 'api_key.create',
  permission: 'operator',
  secretive: true,
  async run({ tx, now, record }, input) {
    const { accountId } = input
    await lockAccount(tx, accountId)
    const scopes = checkScopes(input.scopes)
    if (scopes.length === 0) throw invalidField('/scopes', 'at least one scope is needed')
    const { key, prefix, hash } = input.key === undefined ? newApiKey() : toNewKey(input.key)
    const made = await insertKey(
      tx,
      { accountId },
      {
        prefix,
        hash,
        name: checkLine(input.name, { pointer: '/name', lengthMax: KEY_NAME_LENGTH_MAX }),
        scopes,
        discountPpm: checkDiscount(input.discountPpm),
        legacyErrors: input.legacyErrors,
        now,
      },
    )
    record({ kind: 'api_key.created', subjectId: BigInt(made.id), accountId })
    return { ...made, key }
  },
}
