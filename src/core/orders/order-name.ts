/**
 * An order has a number, and is also called `CR-` + the UTC month in which it was made + its
 * number, padded to four: names of one row.
 */
const NUMBER = /^\d{1,18}$/
const MONTHLY = /^CR-(\d{6})-(\d{4,18})$/

/** `CR-202411-0001`. */
export function monthlyName(id: bigint, createdAt: Date): string {
  const month = String(createdAt.getUTCMonth() + 1).padStart(2, '0')
  return `CR-${createdAt.getUTCFullYear()}${month}-${String(id).padStart(4, '0')}`
}

export interface OrderName {
  readonly id: bigint
  /** Whether an order made at `createdAt` goes by this name. */
  fits(createdAt: Date): boolean
}

/** What `text` names, or undefined where no order could be called so. */
export function parseOrderName(text: string): OrderName | undefined {
  if (NUMBER.test(text)) return { id: BigInt(text), fits: () => true }
  const match = MONTHLY.exec(text)
  if (!match) return undefined
  const id = BigInt(match[2] ?? '')
  return { id, fits: (createdAt) => monthlyName(id, createdAt) === text }
}
