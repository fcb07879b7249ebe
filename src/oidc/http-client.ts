/** How this folder reaches services: the sigstore clients' way, with its proxy, CA file and retries. */
export interface HttpClient {
  request(request: {
    readonly service: string
    readonly method: 'GET' | 'POST'
    readonly url: URL
    readonly headers: Readonly<Record<string, string>>
    readonly body?: string
    /** Taken out of anything the service says before it is shown. */
    readonly secrets: readonly string[]
    /** Statuses that the caller understands; undefined: all below 500 but 408, 425 and 429. */
    readonly expected?: readonly number[]
  }): Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, string | string[] | undefined>>
    readonly body: Uint8Array
  }>
}
