Deno.serve(() => Response.json({ secret: Boolean(Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")) }));
