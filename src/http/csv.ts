import { Readable } from 'node:stream'
import { stringify } from 'csv-stringify/sync'
import type { FastifyReply } from 'fastify'

/** A column of a file: its heading, and what of a row stands in it. */
export interface CsvColumn<Row> {
  readonly header: string
  of(row: Row): string | null
}

/** What OpenAPI says of an answer that is a file. */
export const CSV_RESPONSE = {
  description: 'Comma-separated values (RFC 4180) in UTF-8, with a line of headings',
  content: { 'text/csv': { schema: { type: 'string' } } },
}

/**
 * Answers with a file of what `pages` bring, as they bring it. Cells that a spreadsheet would take
 * for a formula are marked as text: links and comments are written by customers. The first page is
 * waited for, so that what can be refused is refused instead of cut off.
 */
export async function sendCsv<Row>(
  reply: FastifyReply,
  o: {
    name: string
    columns: readonly CsvColumn<Row>[]
    pages: AsyncGenerator<readonly Row[], void>
  },
): Promise<FastifyReply> {
  const first = await o.pages.next()
  async function* texts(): AsyncGenerator<string, void> {
    yield textOf([o.columns.map((column) => column.header)])
    for (let page = first; !page.done; page = await o.pages.next()) {
      const rows = page.value.map((row) => o.columns.map((column) => column.of(row)))
      if (rows.length > 0) yield textOf(rows)
    }
  }
  return await reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${o.name}"`)
    .send(Readable.from(texts()))
}

function textOf(rows: (string | null)[][]): string {
  return stringify(rows, { escape_formulas: true, record_delimiter: 'windows' })
}
