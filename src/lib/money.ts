/**
 * Money is a bigint of millionths of the currency's unit ("micros"). Text at the edges, no float.
 * Roundings: charges up, refunds down, displayed balances down.
 */
export const MICROS_PER_UNIT = 1_000_000n

const DECIMALS_MAX = 6
/** The most that any amount may be: 9 trillion units, well inside a bigint column. */
export const AMOUNT_MAX = 9_000_000_000_000n * MICROS_PER_UNIT

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))
const decimalsByCurrency = new Map<string, number>()

/** Whether `code` is a currency of ISO 4217, in capitals. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code)
}

/** The decimals of a currency's minor unit: USD 2, JPY 0, KWD 3. */
export function currencyDecimals(code: string): number {
  if (!isCurrency(code)) throw new Error(`unknown currency ${code}`)
  let decimals = decimalsByCurrency.get(code)
  if (decimals === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency: code })
    decimals = format.resolvedOptions().maximumFractionDigits ?? 2
    decimalsByCurrency.set(code, decimals)
  }
  return decimals
}

const AMOUNT_SHAPE = /^(\d{1,13})(?:\.(\d{1,6}))?$/

/** `12.5` as 12500000n; undefined for anything but plain ASCII digits with up to six decimals. */
export function parseAmount(text: string): bigint | undefined {
  const match = AMOUNT_SHAPE.exec(text)
  if (!match) return undefined
  const micros =
    BigInt(match[1] ?? '') * MICROS_PER_UNIT + BigInt((match[2] ?? '').padEnd(DECIMALS_MAX, '0'))
  return micros <= AMOUNT_MAX ? micros : undefined
}

/** Exact text with at least `decimalsMin` decimals, more where they are needed. */
export function formatAmount(micros: bigint, decimalsMin: number): string {
  return formatScaled(micros, { decimals: DECIMALS_MAX, decimalsMin })
}

/** `value` / 10^decimals as exact text with at least `decimalsMin` decimals. */
export function formatScaled(value: bigint, o: { decimals: number; decimalsMin: number }): string {
  const negative = value < 0n
  const digits = (negative ? -value : value).toString().padStart(o.decimals + 1, '0')
  const whole = digits.slice(0, -o.decimals)
  let fraction = digits.slice(-o.decimals)
  let length = fraction.length
  while (length > o.decimalsMin && fraction.charCodeAt(length - 1) === 48) length--
  fraction = fraction.slice(0, length)
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** a × b / c rounded up (c > 0, the product not negative): how charges round. */
export function scaleUp(a: bigint, b: bigint, c: bigint): bigint {
  return (a * b + c - 1n) / c
}

/** a × b / c rounded down (c > 0, the product not negative): how refunds round. */
export function scaleDown(a: bigint, b: bigint, c: bigint): bigint {
  return (a * b) / c
}
