-- Replace the labels of a question.
-- args: question, labels. Returns the question; refuses with not_found.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
question.labels = args.labels
save('question', 'set_labels', question)
return done(question.id)
