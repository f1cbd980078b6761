import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { checkLine } from '../text-field.ts'
import { insertCategory } from './catalogue-store.ts'
import { CATEGORY_NAME_LENGTH_MAX, type Category } from './category.ts'

/** Refuses `invalid_input`, and `conflict` by name. */
export const createCategory: Operation<{ name: string; position: number }, Category> = {
  name: 'category.create',
  permission: 'operator',
  async run({ tx, record }, input) {
    await moveEpoch(tx, 'catalogue')
    const category = await insertCategory(tx, {
      name: checkLine(input.name, { pointer: '/name', lengthMax: CATEGORY_NAME_LENGTH_MAX }),
      position: input.position,
    })
    record({ kind: 'category.created', subjectId: BigInt(category.id), accountId: null })
    return category
  },
}
