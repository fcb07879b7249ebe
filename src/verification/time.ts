/** RFC 3339 in UTC; a fraction only where there is one. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
