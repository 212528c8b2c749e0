INSERT INTO customers (name, email) VALUES ('Preview customer', 'preview@example.com') ON CONFLICT (email) DO NOTHING;
