import type { Invoice } from '../../core/billing/purchase.ts'
import { publicIdOf } from '../../lib/ids.ts'

/** What a job's public id begins with. */
export const JOB = 'job'

/** A payment's job goes by the id of its invoice. */
export function jobId(invoice: Invoice): string {
  return publicIdOf(JOB, invoice.publicId)
}

/** Where a job is asked for, on this host. */
export function jobAddress(invoice: Invoice): string {
  return `/api/jobs/${jobId(invoice)}`
}
