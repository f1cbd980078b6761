import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { checkGroupTerms, type DiscountGroup, type DiscountGroupTerms } from './discount-group.ts'
import { deleteGroup, insertGroup, updateGroupRow } from './pricing-store.ts'
import { readDiscountGroup } from './pricing-views.ts'

/** Refuses `invalid_input`, and `conflict` by name. */
export const createDiscountGroup: Operation<DiscountGroupTerms, DiscountGroup> = {
  name: 'discount_group.create',
  permission: 'operator',
  async run({ tx, now, record }, input) {
    const group = await insertGroup(tx, checkGroupTerms(input), now)
    record({ kind: 'discount_group.created', subjectId: BigInt(group.id), accountId: null })
    return group
  },
}

export type UpdateDiscountGroupInput = {
  readonly [Field in keyof DiscountGroupTerms]?: DiscountGroupTerms[Field] | undefined
} & { readonly groupId: bigint }

/**
 * Changes what is given, at once for every account in the group. Refuses `not_found`,
 * `invalid_input`, and `conflict` by name.
 */
export const updateDiscountGroup: Operation<UpdateDiscountGroupInput, DiscountGroup> = {
  name: 'discount_group.update',
  permission: 'operator',
  async run({ tx, now, record }, { groupId, name, discountPpm }) {
    // Keys are cached with the discount of their account's group.
    await moveEpoch(tx, 'key')
    const before = await readDiscountGroup(tx, groupId)
    const after = checkGroupTerms({
      name: name ?? before.name,
      discountPpm: discountPpm ?? before.discountPpm,
    })
    const repriced = after.discountPpm !== before.discountPpm
    record({
      kind: 'discount_group.updated',
      subjectId: groupId,
      accountId: null,
      ...(repriced ? { data: { discount_ppm: after.discountPpm } } : {}),
    })
    return await updateGroupRow(tx, groupId, { ...after, now })
  },
}

/** Refuses `not_found`, and `invalid_state` while accounts are in it. */
export const removeDiscountGroup: Operation<{ groupId: bigint }, { id: string }> = {
  name: 'discount_group.remove',
  permission: 'operator',
  async run({ tx, record }, { groupId }) {
    // Nobody is put into it meanwhile.
    await moveEpoch(tx, 'key')
    const { id } = await readDiscountGroup(tx, groupId)
    await deleteGroup(tx, groupId)
    record({ kind: 'discount_group.removed', subjectId: groupId, accountId: null })
    return { id }
  },
}
