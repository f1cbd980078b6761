-- A renewal writes its purchase, line, invoice, hold and period together, in two commits. Each
-- foreign key among them locked a row once more for every row written, an eighth of the whole.
-- What hangs on what is the ledger's own check (`purser ledger verify`: an invoice, a line, a hold
-- or a period without its purchase is a breach), and none of these rows is ever deleted by hand.
-- The heads of the chain keep theirs: a purchase its account, a line and a period its subscription.
alter table hold drop constraint hold_account_fkey;
alter table invoice drop constraint invoice_account_fkey;
alter table invoice drop constraint invoice_purchase_fkey;
alter table purchase drop constraint purchase_hold_fkey;
alter table purchase_line drop constraint purchase_line_purchase_fkey;
alter table subscription_period drop constraint subscription_period_line_fkey;
