package httpapi

import (
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/query"
)

// App holds the commands and queries that the routes call.
type App struct {
	Accounts    *command.Accounts
	Raffles     *command.Raffles
	Idempotency *command.Idempotency
	Receipts    *command.Receipts
	Queries     *query.Queries
}

// routes is the whole surface of the product, but for the meta routes in meta.go.
func (a *API) routes() {
	register(a, registerOperation, a.registerAccount)
	register(a, loginOperation, a.login)
	register(a, refreshOperation, a.refresh)
	register(a, logoutOperation, a.logout)
	register(a, meOperation, a.me)

	register(a, createRaffleOperation, a.createRaffle)
	register(a, listRafflesOperation, a.listRaffles)
	register(a, getRaffleOperation, a.getRaffle)
	register(a, updateRaffleOperation, a.updateRaffle)
	register(a, deleteRaffleOperation, a.deleteRaffle)

	register(a, numbersOperation, a.listNumbers)
	register(a, boardOperation, a.getBoard)

	register(a, reserveOperation, a.reserveNumbers)
	register(a, confirmOperation, a.confirmPurchase)
	register(a, releaseOperation, a.releaseReservation)
	register(a, purchasesOperation, a.listPurchases)

	register(a, receiptOperation, a.getReceipt)
	register(a, receiptKeysOperation, a.getReceiptKeys)

	register(a, sealOperation, a.sealRaffle)
	register(a, drawOperation, a.drawRaffle)
	register(a, lotteryResultOperation, a.enterLotteryResult)
	register(a, drawRecordOperation, a.getDraw)
	register(a, drawRulesOperation, a.getDrawRules)
	register(a, entriesOperation, a.getDrawEntries)
	register(a, inclusionOperation, a.getInclusion)
	register(a, verifyOperation, a.verifyPage)
	a.mux.Get(root+"/verify/{asset}", a.verifyAsset)
}
