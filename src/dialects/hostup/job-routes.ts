import { Type } from 'typebox'
import {
  type PaymentProgress,
  readPaymentProgress,
} from '../../core/billing/paying/payment-progress.ts'
import { Refusal } from '../../core/refusal.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { problemOf } from '../../http/rest/problem.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { withItems } from './invoice-with-items.ts'
import { JOB, jobAddress, jobId } from './job-names.ts'
import { reading } from './route-options.ts'
import { JobShape } from './shapes.ts'

/** `GET /api/jobs/{id}`: what became of slow work. */
export function registerJobs(app: RestRoutes, deps: HostupDeps): void {
  app.get(
    '/:id',
    reading(
      {
        operationId: 'getJob',
        summary: 'Get what became of slow work',
        description:
          'A payment that was answered with 202 is `in_progress` until the provider has answered; ' +
          'then it is `completed`, with the paid invoice as its `result`, or `failed`, with the ' +
          '`problem` that says why. A failed payment has taken nothing.',
        tag: 'Jobs',
        scope: 'read:vm',
        problems: [404],
      },
      {
        params: Type.Object({
          id: Type.String({ examples: ['job_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
        }),
        answer: JobShape,
      },
    ),
    async (request) => {
      const { accountId } = callerOf(request)
      const name = invoiceOf(request.params.id)
      const { db } = deps.funnel.database
      const progress = await readPaymentProgress(db, { accountId, name })
      const { invoice, state } = progress
      const refusal = failureOf(progress)
      const { publicUrl } = deps
      return {
        operation: {
          status: state,
          jobId: jobId(invoice),
          pollUrl: jobAddress(invoice),
          result: state === 'completed' ? await withItems(deps, invoice) : null,
          problem: refusal && problemOf(request, { refusal, publicUrl }),
        },
      }
    },
  )
}

/** The public id of the invoice that a job's id stands for. */
function invoiceOf(id: string): string {
  if (!id.startsWith(`${JOB}_`)) throw new Refusal('not_found')
  return `inv_${id.slice(JOB.length + 1)}`
}

function failureOf({ failure }: PaymentProgress): Refusal | null {
  return failure && new Refusal(failure)
}
