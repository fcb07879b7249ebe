export function findBrokenRules(files: ReadonlyMap<string, string>): string[]
