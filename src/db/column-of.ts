type ColumnValue = bigint | number | boolean | string | Date | null

/**
 * Columns of rows that one statement takes as arrays: each is the text of a PostgreSQL array, to
 * be cast to its type (`${column((row) => row.id)}::bigint[]`). The driver would write every
 * element as a string of its own, which costs many times this where there are many rows.
 */
export function columnOf<Row>(
  rows: readonly Row[],
): (of: (row: Row, at: number) => ColumnValue) => string {
  return (of) => {
    const write = elementWriter()
    let text = '{'
    for (const [at, row] of rows.entries()) text += (at === 0 ? '' : ',') + write(of(row, at))
    return `${text}}`
  }
}

/** Rows written at one moment share one date, and its text is made once. */
function elementWriter(): (value: ColumnValue) => string {
  let lastDate: Date | undefined
  let lastText = ''
  return (value) => {
    if (value === null) return 'NULL'
    if (typeof value === 'string') return quoted(value)
    if (!(value instanceof Date)) return String(value)
    if (value !== lastDate) {
      lastDate = value
      lastText = value.toISOString()
    }
    return lastText
  }
}

function quoted(text: string): string {
  if (!/["\\]/.test(text)) return `"${text}"`
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
