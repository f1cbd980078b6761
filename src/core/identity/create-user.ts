import type { Operation } from '../operation.ts'
import { checkEmail } from '../text-field.ts'
import { lockAccount } from './account-store.ts'
import { hashPassword } from './password.ts'
import type { User, UserRole } from './user.ts'
import { insertUser } from './user-store.ts'

export interface CreateUserInput {
  readonly accountId: bigint
  readonly email: string
  readonly password: string
  readonly role: UserRole
}

/** Lets somebody sign in to an account. Refuses `not_found`, `invalid_input`, `conflict`. */
export const createUser: Operation<CreateUserInput, User> = {
  name: 'user.create',
  permission: 'operator',
  secretive: true,
  async run({ tx, now, record }, input) {
    const { accountId, role } = input
    // Before the row is locked: hashing takes long on purpose.
    const passwordHash = await hashPassword(input.password)
    await lockAccount(tx, accountId)
    const email = checkEmail(input.email)
    const user = await insertUser(tx, { accountId, email, passwordHash, role, now })
    record({ kind: 'user.created', subjectId: BigInt(user.id), accountId })
    return user
  },
}
