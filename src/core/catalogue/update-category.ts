import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { checkLine } from '../text-field.ts'
import { updateCategoryRow } from './catalogue-store.ts'
import { CATEGORY_NAME_LENGTH_MAX, type Category } from './category.ts'

export interface UpdateCategoryInput {
  readonly categoryId: bigint
  readonly name?: string | undefined
  readonly position?: number | undefined
}

/** Refuses `not_found`, `invalid_input`, and `conflict` by name. */
export const updateCategory: Operation<UpdateCategoryInput, Category> = {
  name: 'category.update',
  permission: 'operator',
  async run({ tx, record }, { categoryId, name, position }) {
    await moveEpoch(tx, 'catalogue')
    const line = { pointer: '/name', lengthMax: CATEGORY_NAME_LENGTH_MAX }
    const category = await updateCategoryRow(tx, categoryId, {
      ...(name === undefined ? {} : { name: checkLine(name, line) }),
      ...(position === undefined ? {} : { position }),
    })
    record({ kind: 'category.updated', subjectId: categoryId, accountId: null })
    return category
  },
}
