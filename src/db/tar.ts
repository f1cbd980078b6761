/** Just enough of the ustar format to write and read one archive of plain files. */

export const TAR_BLOCK_BYTES = 512

const SUM_OFFSET = 148
const SUM_BYTES = 8

/** The header of a plain file of `bytes` bytes; names are ASCII of at most 100 characters. */
export function tarHeader(o: { name: string; bytes: number; modifiedAt: Date }): Buffer {
  if (o.name.length > 100) throw new Error(`the name ${o.name} is too long for a tar archive`)
  const header = Buffer.alloc(TAR_BLOCK_BYTES)
  header.write(o.name, 0, 'latin1')
  header.write('0000600\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  header.write(`${octal(o.bytes, 11)}\0`, 124, 'latin1')
  header.write(`${octal(Math.floor(o.modifiedAt.getTime() / 1000), 11)}\0`, 136, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(`${octal(checksum(header), 6)}\0 `, SUM_OFFSET, 'latin1')
  return header
}

/** What a header says; undefined for a block that is none. */
export function parseTarHeader(block: Buffer): { name: string; bytes: number } | undefined {
  if (block.length !== TAR_BLOCK_BYTES) return undefined
  const stated = parseOctal(block.subarray(SUM_OFFSET, SUM_OFFSET + SUM_BYTES))
  const bytes = parseOctal(block.subarray(124, 136))
  if (stated !== checksum(block) || bytes === undefined) return undefined
  return { name: textOf(block.subarray(0, 100)), bytes }
}

/** The zeros that fill the last block of an entry. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc(-bytes & (TAR_BLOCK_BYTES - 1))
}

/** Two blocks of zeros, with which an archive ends. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK_BYTES)
}

/** The sum of the header's bytes, where the place of the sum itself counts as spaces. */
function checksum(header: Buffer): number {
  let sum = SUM_BYTES * 0x20
  for (let i = 0; i < header.length; i++) {
    if (i < SUM_OFFSET || i >= SUM_OFFSET + SUM_BYTES) sum += header[i]!
  }
  return sum
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function parseOctal(field: Buffer): number | undefined {
  const text = textOf(field).trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? field.length : end)
}
