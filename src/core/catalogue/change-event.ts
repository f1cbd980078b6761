/** The kind of event for a change of something sold, which may have been paused or resumed. */
export function changeEvent(
  subject: string,
  before: 'active' | 'paused',
  after: 'active' | 'paused',
): string {
  if (before === after) return `${subject}.updated`
  return `${subject}.${after === 'paused' ? 'paused' : 'resumed'}`
}
