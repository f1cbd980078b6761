/** Services are listed by category, categories by position. */
export interface Category {
  readonly id: string
  readonly name: string
  readonly position: number
}

export const CATEGORY_NAME_LENGTH_MAX = 200
