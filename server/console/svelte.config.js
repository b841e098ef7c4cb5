// Read by the editor and by svelte-check; the build has the same options in vite.config.ts.
export default { compilerOptions: { runes: true } };
