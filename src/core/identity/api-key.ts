import { invalidField } from '../refusal.ts'
import { isScope, type Scope } from '../scope.ts'

/** A key that acts for an account, or for an operator. The key itself is only known as a hash. */
export interface ApiKey {
  readonly id: string
  readonly accountId: string | null
  readonly operatorId: string | null
  readonly name: string
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly discountPpm: number
  readonly legacyErrors: boolean
  readonly disabledAt: string | null
  readonly lastUsedAt: string | null
  readonly createdAt: string
}

/** As answered once, when it is made. */
export interface CreatedApiKey extends ApiKey {
  readonly key: string
}

export const KEY_NAME_LENGTH_MAX = 100

/** Known scopes, each once; else refused. */
export function checkScopes(texts: readonly string[]): Scope[] {
  const scopes = [...new Set(texts)]
  scopes.forEach((scope, index) => {
    if (!isScope(scope)) throw invalidField(`/scopes/${index}`, `there is no scope "${scope}"`)
  })
  return scopes.filter(isScope)
}

/** A discount in millionths of the whole, 0 to all of it; else refused. */
export function checkDiscount(discountPpm: number): number {
  if (!Number.isInteger(discountPpm) || discountPpm < 0 || discountPpm > 1_000_000) {
    throw invalidField('/discount_percent', 'must be 0 to 100 with up to 4 decimals')
  }
  return discountPpm
}
