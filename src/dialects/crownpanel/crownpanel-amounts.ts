import { formatScaled } from '../../lib/money.ts'

const MICROS_PER_CENT = 10_000n

/** Two decimals in every currency, rounded half away from zero: for display only. */
export function amountText(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const cents = (size + MICROS_PER_CENT / 2n) / MICROS_PER_CENT
  return formatScaled(micros < 0n ? -cents : cents, { decimals: 2, decimalsMin: 2 })
}

/** Signs that stand for one currency and no other; "5 SEK" is how the rest are written. */
const SYMBOLS: Readonly<Record<string, string>> = {
  USD: '$',
  EUR: '€',
  GBP: '£',
  JPY: '¥',
  INR: '₹',
  KRW: '₩',
  TRY: '₺',
  UAH: '₴',
  ILS: '₪',
  VND: '₫',
  PHP: '₱',
  NGN: '₦',
}

/** `$5`, `$5.50`, `€5`, `5 SEK`: an amount within a sentence. */
export function amountInWords(micros: bigint, currency: string): string {
  const amount = amountText(micros).replace(/\.00$/, '')
  const symbol = SYMBOLS[currency]
  return symbol === undefined ? `${amount} ${currency}` : `${symbol}${amount}`
}
