import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import tsdoc from 'eslint-plugin-tsdoc'
import tseslint from 'typescript-eslint'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const everywhere = {
  eqeqeq: 'error',
  'no-constant-binary-expression': 'error',
  'no-control-regex': 'off',
  'no-param-reassign': 'error',
  'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
  'no-self-compare': 'error',
  'no-unreachable-loop': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
}

export default tseslint.config(
  { ignores: ['dist/', '.cache/', 'node_modules/', 'fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { tsdoc },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      ...everywhere,
      'no-console': 'error',
      'tsdoc/syntax': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // git's entry is one small CommonJS file that loads its sign side only when it signs.
      '@typescript-eslint/no-require-imports': [
        'error',
        { allow: ['^\\./gpg-(sign|policy)\\.cjs$'] },
      ],
      // `return report(…)` as the last word of a branch reads well.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Code points are what a reader of bytes wants.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      // Numbers print without surprises; everything else still has to be turned into text on purpose.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Both of these argue with exactOptionalPropertyTypes and guard clauses on attackers' bytes.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
    },
  },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    // Levels 0-2 compute: clock, network and process arrive as parameters.
    files: [
      'encoding',
      'asn1',
      'crypto',
      'x509',
      'cms',
      'rfc3161',
      'tlog',
      'bundle',
      'gpg',
      'policy',
    ].map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'no clock' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A failed assertion is what a test is for: `as` and thrown literals are fine here.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.strict],
    rules: { ...everywhere, '@typescript-eslint/no-require-imports': 'off' },
  },
  // ESLint and Vitest read their configuration from a default export.
  { files: ['scripts/*.config.mjs'], rules: { 'no-restricted-exports': 'off' } },
)
