import type { Scope } from '../scope.ts'

/** Somebody who signs in to an account. */
export interface User {
  readonly id: string
  readonly accountId: string
  readonly email: string
  readonly role: UserRole
  readonly createdAt: string
}

export const USER_ROLES = ['owner', 'billing', 'support', 'reader'] as const
export type UserRole = (typeof USER_ROLES)[number]

/** What a session of each role may do. */
export const ROLE_SCOPES = {
  owner: ['read:all', 'write:all'],
  billing: ['read:vm', 'read:billing', 'write:billing'],
  support: ['read:vm', 'read:support', 'write:support'],
  reader: ['read:all'],
} as const satisfies Record<UserRole, readonly Scope[]>
