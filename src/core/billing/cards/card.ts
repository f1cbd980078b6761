/**
 * A card that a gateway has saved for an account, which is charged with what the wallet is short
 * of. An account has one at the most; Purser knows its brand and last four digits, no number.
 */
export interface Card {
  readonly id: string
  readonly gateway: string
  readonly brand: string
  readonly lastFour: string
  readonly createdAt: string
}
