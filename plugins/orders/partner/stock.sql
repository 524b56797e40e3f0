create table stock (sku text primary key, quantity bigint not null check (quantity >= 0));
create table reservation (order_id text primary key, taken_at timestamptz not null default now());
insert into stock values ('tea', 100), ('mug', 12), ('green tea', 30);
